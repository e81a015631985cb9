//! The password scheme of old Unix systems: DES, 25 times over, with a salt that disturbs its expansion step.
//!
//! Maintained crates offer DES as a closed box, and the salt goes inside of it; the one crate that has the scheme
//! was left in 2020 with the hash crates of that time. So here is DES as FIPS 46-3 has it, table by table, in the
//! standard's own numbering: bit 1 is the highest. Slow beside a real implementation (a tenth of a millisecond),
//! which is no fault in a password scheme. It is for checking old lines alone; nothing writes new ones.

use super::crypt64;

/// How often DES is applied.
const ROUNDS_OF_DES: usize = 25;

/// The initial permutation; its inverse is made from it.
const IP: [u8; 64] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48,
    40, 32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21,
    13, 5, 63, 55, 47, 39, 31, 23, 15, 7,
];

/// The expansion of half a block.
const E: [u8; 48] = [
    32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20,
    21, 20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
];

/// The permutation behind the S-boxes.
const P: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6,
    22, 11, 4, 25,
];

/// The choice of key bits, without the parity bits: both halves.
const PC1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44,
    36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20,
    12, 4,
];

/// The choice of the bits of a round's key.
const PC2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37,
    47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];

/// How far both halves of the key turn before each round.
const TURNS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/// S1 to S8, each row by row.
const S: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5,
        3, 8, 4, 1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14,
        10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9,
        11, 5, 0, 14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12,
        0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11,
        15, 1, 13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3,
        11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10,
        14, 9, 10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11,
        12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9,
        8, 6, 4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9,
        10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11,
        3, 8, 9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7,
        6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15,
        8, 6, 1, 4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15,
        14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14,
        9, 2, 7, 11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0,
        3, 5, 6, 11,
    ],
];

/// The 11 characters that follow the salt of two characters. Eight bytes of the password count, seven bits of each.
pub(super) fn digest(password: &[u8], salt: [u8; 2]) -> [u8; 11] {
    let keys = round_keys(key_of(password));
    let swapped = crypt64::value(salt[0]) | crypt64::value(salt[1]) << 6;
    let block = (0..ROUNDS_OF_DES).fold(0, |block, _| encrypt(block, &keys, swapped));
    // 64 bits in digits of six, highest first, with two zeros at the end.
    let padded = u128::from(block) << 2;
    std::array::from_fn(|index| crypt64::digit((padded >> (60 - 6 * index) & 63) as u64))
}

/// Each byte of the password moves up by one bit; the lowest is DES's parity bit, which nobody looks at.
fn key_of(password: &[u8]) -> u64 {
    let mut key = [0; 8];
    for (byte, character) in key.iter_mut().zip(password) {
        *byte = character << 1;
    }
    u64::from_be_bytes(key)
}

fn round_keys(key: u64) -> [u64; 16] {
    const HALF: u64 = (1 << 28) - 1;
    let chosen = permute(key, 64, &PC1);
    let (mut left, mut right) = (chosen >> 28, chosen & HALF);
    TURNS.map(|turn| {
        let turned = |half: u64| (half << turn | half >> (28 - turn)) & HALF;
        (left, right) = (turned(left), turned(right));
        permute(left << 28 | right, 56, &PC2)
    })
}

/// DES of one block; `swapped` tells which of the first 24 expanded bits trade places with those of the other half.
fn encrypt(block: u64, keys: &[u64; 16], swapped: u32) -> u64 {
    let block = permute(block, 64, &IP);
    let (mut left, mut right) = (block >> 32, block & 0xffff_ffff);
    for key in keys {
        (left, right) = (right, left ^ scramble(right, *key, swapped));
    }
    // The halves trade places once more, then the initial permutation is undone.
    let block = right << 32 | left;
    IP.iter().enumerate().fold(0, |undone, (index, bit)| {
        undone | (block >> (63 - index) & 1) << (64 - bit)
    })
}

fn scramble(half: u64, key: u64, swapped: u32) -> u64 {
    let expanded = permute(half, 32, &E);
    // The salt's lowest bit belongs to the first expanded bit.
    let swapped = u64::from(swapped.reverse_bits() >> 8);
    let trade = (expanded >> 24 ^ expanded) & swapped;
    let mixed = expanded ^ trade ^ trade << 24 ^ key;
    let substituted = S.iter().enumerate().fold(0, |bits, (index, table)| {
        let six = (mixed >> (42 - 6 * index) & 63) as usize;
        // The outer bits choose the row, the inner ones the column.
        let (row, column) = ((six >> 4 & 2) | (six & 1), six >> 1 & 15);
        bits << 4 | u64::from(table[row * 16 + column])
    });
    permute(substituted, 32, &P)
}

/// The bits of a word of `width` that the table names, in its order.
fn permute(word: u64, width: u8, table: &[u8]) -> u64 {
    table
        .iter()
        .fold(0, |bits, bit| bits << 1 | (word >> (width - bit) & 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn crypt(password: &str, salt: &str) -> String {
        let salt: [u8; 2] = salt.as_bytes().try_into().unwrap();
        let digest = digest(password.as_bytes(), salt);
        String::from_utf8([&salt[..], &digest].concat()).unwrap()
    }

    /// Known answers of plain DES: a textbook's, and two of the validation suites of NIST.
    #[test]
    fn without_a_salt_it_is_des() {
        for (key, block, expected) in [
            (
                0x1334_5779_9bbc_dff1,
                0x0123_4567_89ab_cdef,
                0x85e8_1354_0f0a_b405_u64,
            ),
            (
                0x0101_0101_0101_0101,
                0x8000_0000_0000_0000,
                0x95f8_a5e5_dd31_d900,
            ),
            (
                0x7ca1_1045_4a1a_6e57,
                0x01a1_d6d0_3977_6742,
                0x690f_5b0d_9a26_939b,
            ),
        ] {
            assert_eq!(encrypt(block, &round_keys(key), 0), expected, "{key:x}");
        }
    }

    /// The first is among the test vectors of password crackers, the others are of the C library.
    #[test]
    fn known_answers() {
        for (password, stored) in [
            ("U*U*U*U*", "CCNf8Sbh3HDfQ"),
            ("password", "abJnggxhB/yWI"),
            ("secret", "rLGmbWeVKiT0."),
            ("abcdefgh", "..dCr2UJOULd6"),
            ("", "saFLGt/QKS6yw"),
        ] {
            assert_eq!(crypt(password, &stored[..2]), stored);
        }
        assert_eq!(crypt("password", "ab"), crypt("password and more", "ab"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Perl asks the C library.
        #[test]
        fn the_c_library_agrees(password in "[ -~]{0,12}", salt in "[./0-9A-Za-z]{2}") {
            let script = "my $hash = crypt($ARGV[0], $ARGV[1]); print defined $hash ? $hash : ''";
            let output = std::process::Command::new("perl").args(["-e", script, &password, &salt]).output();
            let Ok(output) = output else { return Ok(()) };
            let theirs = String::from_utf8(output.stdout).unwrap();
            // Some systems have done away with the scheme.
            prop_assume!(theirs.starts_with(&salt));
            prop_assert_eq!(crypt(&password, &salt), theirs);
        }
    }
}
