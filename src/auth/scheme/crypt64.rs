//! The alphabet of the crypt family of schemes: `./0-9A-Za-z`.

/// The digits 0 to 63.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Whether the byte is a digit of the alphabet.
pub(super) fn is_crypt_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'/'
}

/// The digit for the lowest six bits.
pub(super) fn digit(bits: u64) -> u8 {
    ALPHABET[(bits & 63) as usize]
}

/// The value of a digit; of any other byte, 0.
pub(super) fn value(digit: u8) -> u32 {
    match digit {
        b'.' | b'/' | b'0'..=b'9' => u32::from(digit - b'.'),
        b'A'..=b'Z' => u32::from(digit - b'A') + 12,
        b'a'..=b'z' => u32::from(digit - b'a') + 38,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_values_belong_together() {
        for bits in 0..64 {
            assert_eq!(u64::from(value(digit(bits))), bits);
            assert!(is_crypt_character(digit(bits)));
        }
        assert_eq!((0..=u8::MAX).filter(|byte| is_crypt_character(*byte)).count(), 64);
    }
}
