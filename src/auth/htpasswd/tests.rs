//! The password file read, listed and edited.

use super::*;
use proptest::prelude::*;

const SHA: &str = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
const APR1: &str = "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/";
const BCRYPT: &str = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

fn parse(text: &str) -> Result<PasswordFile, MalformedLine> {
    PasswordFile::parse(text, &Limits::default())
}

fn name(text: &str) -> Username {
    text.parse().unwrap()
}

fn scheme_of(file: &PasswordFile, user: &str) -> Option<Scheme> {
    file.password_of(&name(user)).map(PasswordHash::scheme)
}

#[test]
fn comments_blank_lines_crlf_and_further_fields_are_fine() {
    let text = format!("\u{feff}# ours\r\n\r\n  # more\nalice:{BCRYPT}:Alice:x\r\n\t\nbob b:{SHA}");
    let file = parse(&text).unwrap();
    assert_eq!(file.user_count(), 2);
    assert_eq!(scheme_of(&file, "alice"), Some(Scheme::Bcrypt));
    assert_eq!(scheme_of(&file, "bob b"), Some(Scheme::Sha1));
    let decoys: Vec<Scheme> = file.decoys.iter().map(PasswordHash::scheme).collect();
    assert_eq!(decoys, [Scheme::Bcrypt]);
    assert_eq!((file.warnings(), file.outdated_users()), (&[][..], vec!["bob b"]));
}

#[test]
fn the_last_line_of_a_user_counts_even_when_it_is_useless() {
    let file = parse(&format!("alice:{APR1}\nalice:{BCRYPT}\n")).unwrap();
    assert_eq!(scheme_of(&file, "alice"), Some(Scheme::Bcrypt));
    assert!(
        file.warnings()
            .iter()
            .any(|warning| warning.to_string().starts_with("line 1: the same user"))
    );
    let file = parse(&format!("alice:{BCRYPT}\nalice:plain\n")).unwrap();
    assert_eq!(scheme_of(&file, "alice"), None);
}

#[test]
fn weak_and_unknown_passwords_are_left_out_with_the_number_of_the_line_alone() {
    let file = parse("a:hunter2\nb:rEK1ecacw.7.c\nc:$y$SALT$SECRET\n").unwrap();
    assert_eq!((file.user_count(), file.warnings().len()), (0, 3));
    let shown: Vec<String> = file.warnings().iter().map(ToString::to_string).collect();
    assert!(shown[0].starts_with("line 1: ") && shown[2].starts_with("line 3: "));
    assert!(!shown.concat().contains("hunter2") && !shown.concat().contains("SECRET"));
}

#[test]
fn weak_passwords_are_taken_on_demand_and_their_users_are_known() {
    let text = format!("b:hunter2\na:rEK1ecacw.7.c\nc:{BCRYPT}\nd:{SHA}\ne:{{PLAIN}}x\nf:$y$j9T$x$y\n");
    let limits = Limits {
        allow_weak: true,
        ..Limits::default()
    };
    let file = PasswordFile::parse(&text, &limits).unwrap();
    assert_eq!(
        (file.weak_users(), file.outdated_users()),
        (vec!["a", "b", "e"], vec!["d"])
    );
    assert!(file.verify(&name("b"), b"hunter2") && !file.verify(&name("b"), b"hunter"));
    assert_eq!(file.warnings().len(), 1);
    let without = parse(&text).unwrap();
    assert_eq!((without.user_count(), without.weak_users().len()), (2, 0));
    assert!(!without.verify(&name("b"), b"hunter2"));
}

// F4: whoever is asked for, the same checks are made.
#[test]
fn a_wrong_password_is_held_against_one_of_each_kind() {
    let other_cost = BCRYPT.replace("$05$", "$04$");
    let text = format!("a:{BCRYPT}\nb:{BCRYPT}\nc:{other_cost}\nd:{APR1}\ne:{SHA}\n");
    let file = parse(&text).unwrap();
    let decoys: Vec<Scheme> = file.decoys.iter().map(PasswordHash::scheme).collect();
    assert_eq!(decoys, [Scheme::Bcrypt, Scheme::Bcrypt, Scheme::Apr1]);
    let many: String = (1_000..1_020)
        .map(|rounds| {
            let digest = "x".repeat(86);
            format!("u{rounds}:$6$rounds={rounds}$salt${digest}\n")
        })
        .collect();
    let file = parse(&many).unwrap();
    assert_eq!((file.user_count(), file.decoys.len()), (20, MAX_DECOYS));
    // A decoy lets nobody in, not even with its own password.
    let file = parse(&format!("a:{APR1}\nb:{SHA}\n")).unwrap();
    assert!(file.verify(&name("a"), b"myPassword"));
    assert!(!file.verify(&name("b"), b"myPassword") && !file.verify(&name("nobody"), b"myPassword"));
}

#[test]
fn a_listing_tells_schemes_and_hides_no_user_behind_a_broken_line() {
    let text = format!(
        "\u{feff}# ours\r\nalice:plain\r\nbob:{SHA}\ntorn\nalice:{BCRYPT}\ncarol:$y$j9T$x$y\ndave:$2y$05$CC\n"
    );
    let listing = list(&[text.as_bytes(), b"caf\xe9:x\n# caf\xe9\n"].concat());
    let users: Vec<_> = listing
        .users
        .iter()
        .map(|listed| {
            let scheme = listed.stored.as_ref().map(PasswordHash::scheme);
            (listed.user.as_str(), listed.line, scheme)
        })
        .collect();
    assert_eq!(
        users,
        [
            ("bob", 3, Ok(Scheme::Sha1)),
            ("alice", 5, Ok(Scheme::Bcrypt)),
            ("carol", 6, Err(&HashProblem::Unsupported)),
            ("dave", 7, Err(&HashProblem::Malformed(Scheme::Bcrypt))),
        ]
    );
    let malformed: Vec<_> = listing
        .malformed
        .iter()
        .map(|line| (line.line, line.problem))
        .collect();
    assert_eq!(malformed, [(4, LineError::NoColon), (8, LineError::NotUtf8)]);
}

#[test]
fn a_byte_order_mark_hides_nobody_from_an_edit() {
    let content = format!("\u{feff}alice:{SHA}\nbob:x\n");
    let alice = name("alice");
    assert_eq!(
        remove_user(content.as_bytes(), &alice).unwrap(),
        "\u{feff}bob:x\n".as_bytes()
    );
    let (edited, change) = set_password(content.as_bytes(), &alice, "NEW");
    assert_eq!(edited, "\u{feff}alice:NEW\nbob:x\n".as_bytes());
    assert_eq!(change, Change::Replaced);
}

#[test]
fn a_byte_order_mark_means_nothing_in_any_line() {
    // Two files that were put behind each other.
    let content = format!("alice:{SHA}\n\u{feff}alice:{BCRYPT}\n\u{feff}\u{feff}bob:{SHA}\n\u{feff}# ours\n");
    let alice = name("alice");
    let listed: Vec<_> = list(content.as_bytes())
        .users
        .into_iter()
        .map(|listed| (listed.user, listed.line))
        .collect();
    assert_eq!(listed, [(alice.clone(), 2), (name("bob"), 3)]);
    let file = PasswordFile::parse(&content, &Limits::default()).unwrap();
    assert_eq!(file.user_count(), 2);
    assert_eq!(file.password_of(&alice).unwrap().text(), BCRYPT);
    assert_eq!(
        remove_user(content.as_bytes(), &alice).unwrap(),
        format!("\u{feff}\u{feff}bob:{SHA}\n\u{feff}# ours\n").as_bytes()
    );
    let (edited, _) = set_password(content.as_bytes(), &alice, "NEW");
    let expected = format!("alice:NEW\n\u{feff}alice:NEW\n\u{feff}\u{feff}bob:{SHA}\n\u{feff}# ours\n");
    assert_eq!(edited, expected.as_bytes());
}

#[test]
fn a_malformed_line_is_told_by_its_number() {
    let cases = [
        ("no colon", LineError::NoColon),
        ("alice:", LineError::EmptyPassword),
        ("alice::x", LineError::EmptyPassword),
        (":x", LineError::Username(UsernameError::Empty)),
        (" alice:x", LineError::Username(UsernameError::WhiteSpaceAtEnds)),
        ("a\u{1}b:x", LineError::Username(UsernameError::ControlCharacter)),
        (
            "alice:$2y$05$CCC",
            LineError::Password(HashProblem::Malformed(Scheme::Bcrypt)),
        ),
    ];
    for (line, problem) in cases {
        let text = format!("# first\nbob:{BCRYPT}\n{line}\n");
        assert_eq!(
            parse(&text).err(),
            Some(MalformedLine { line: 3, problem }),
            "{line}"
        );
    }
}

#[test]
fn a_new_user_is_appended_in_the_style_of_the_file() {
    let added = |content: &str| {
        let (edited, change) = set_password(content.as_bytes(), &name("bob"), "NEW");
        assert_eq!(change, Change::Added);
        String::from_utf8(edited).unwrap()
    };
    assert_eq!(added(""), "bob:NEW\n");
    assert_eq!(added("a:x"), "a:x\nbob:NEW\n");
    assert_eq!(added("a:x\r\nb:y"), "a:x\r\nb:y\r\nbob:NEW\r\n");
    assert_eq!(
        added("bobby:x\n#bob:x\n bob:x\n"),
        "bobby:x\n#bob:x\n bob:x\nbob:NEW\n"
    );
}

#[test]
fn a_changed_user_keeps_the_place_and_all_other_bytes() {
    let content = b"# caf\xe9\nalice:a\nbob:old:Bob B.\r\n\n??\nbob:older";
    let (edited, change) = set_password(content, &name("bob"), "NEW");
    assert_eq!(edited, b"# caf\xe9\nalice:a\nbob:NEW:Bob B.\r\n\n??\nbob:NEW");
    assert_eq!(change, Change::Replaced);
    assert_eq!(
        remove_user(content, &name("bob")).unwrap(),
        b"# caf\xe9\nalice:a\n\n??\n"
    );
    assert_eq!(remove_user(content, &name("carol")), None);
}

#[test]
fn a_new_password_mends_the_users_damaged_line() {
    for damaged in [&b"bob:a\rb\xffc\r\n"[..], b"bob:a:\xff\r\n", b"bob:\xff\r\n"] {
        let (edited, _) = set_password(damaged, &name("bob"), "NEW");
        assert_eq!(edited, b"bob:NEW\r\n");
    }
}

#[test]
fn files_of_other_kinds_are_told_from_password_files() {
    let sound = format!("alice:{SHA}\n");
    for (content, expected) in [
        (&b""[..], true),
        (b"# nobody yet\n", true),
        (sound.as_bytes(), true),
        (b"alice:plain\n", true),
        (b"# caf\xe9\nalice:plain\n", true),
        (format!("torn\n{sound}").as_bytes(), true),
        (&[b"torn \xff\n", sound.as_bytes()].concat(), false),
        (b"torn\n", false),
        (b"PK\x03\x04\x14\0\0\0\x08:\0\n\xff\xfe", false),
        (b"[project]\nname = \"x\"\nurls = { a = \"https://h/\" }\n", false),
    ] {
        assert_eq!(looks_like_password_file(content), expected, "{content:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([a-c]{0,2}:?\\PC{0,20}[\r\n]{0,2}){0,6}") {
        let _ = parse(&text);
        let _ = list(text.as_bytes());
    }

    #[test]
    fn editing_changes_one_user_alone(
        lines in proptest::collection::vec("([a-d]:[a-z]{1,5}(:x)?|# [a-d]:x||junk)", 0..8),
        crlf: bool,
        ended: bool,
        user in "[a-d]",
    ) {
        let line_end = if crlf { "\r\n" } else { "\n" };
        let mut content = lines.join(line_end);
        if ended && !content.is_empty() {
            content.push_str(line_end);
        }
        let user = name(&user);
        let (edited, _) = set_password(content.as_bytes(), &user, "NEW");
        let others = |bytes: &[u8]| remove_user(bytes, &user).unwrap_or_else(|| bytes.to_vec());
        let trimmed = |bytes: &[u8]| others(bytes).trim_ascii_end().to_vec();
        prop_assert_eq!(trimmed(&edited), trimmed(content.as_bytes()));
        prop_assert_eq!(&set_password(&edited, &user, "NEW").0, &edited);
    }

    #[test]
    fn no_byte_of_other_lines_is_touched(
        lines in proptest::collection::vec(
            proptest::collection::vec(proptest::sample::select(b"ab:#\r \xff\xef\xbb\xbf".to_vec()), 0..6),
            0..6,
        ),
        user in "[ab]{1,2}",
    ) {
        let content = lines.join(&b'\n');
        let user = name(&user);
        let (edited, change) = set_password(&content, &user, "NEW");
        let without = remove_user(&edited, &user).unwrap();
        let expected = remove_user(&content, &user).unwrap_or_else(|| content.clone());
        // Appending ends the last line.
        let ended = without.strip_prefix(&expected[..]).unwrap();
        prop_assert!(ended.is_empty() || (change == Change::Added && matches!(ended, b"\n" | b"\r\n")));
        prop_assert_eq!(remove_user(&content, &user).is_some(), change == Change::Replaced);
    }
}
