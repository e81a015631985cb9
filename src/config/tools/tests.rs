//! What the tools find in their files, and what stays there.

use proptest::prelude::*;

use super::super::ini_edit::tests::samples;
use super::*;
use crate::auth::Secret;

const ALL: [ToolFile; 5] = [
    ToolFile::Uv,
    ToolFile::PoetryConfig,
    ToolFile::PoetryAuth,
    ToolFile::Pdm,
    ToolFile::Hatch,
];

fn repository<'a>(name: &'a str, password: PasswordEdit<'a>) -> ToolRepository<'a> {
    ToolRepository {
        name,
        upload_url: "http://h/",
        simple_url: Some("http://h/simple/"),
        is_only: false,
        is_exposed: false,
        username: Some("alice"),
        password,
    }
}

fn added(file: ToolFile, text: &str) -> String {
    let password = Secret::new("s3\"cr\\et");
    file.with_repository(text, &repository("internal", PasswordEdit::Set(&password)))
        .unwrap()
}

fn removed(file: ToolFile, text: &str) -> String {
    let urls = ["http://h/simple/".to_owned()];
    file.without_repository(text, "internal", &urls).unwrap()
}

#[test]
fn new_files_are_what_the_tools_write_themselves() {
    let expected = [
        "[[index]]\nname = \"internal\"\nurl = \"http://h/simple/\"\npublish-url = \"http://h/\"\n",
        "[repositories.internal]\nurl = \"http://h/\"\n",
        "[http-basic.internal]\nusername = \"alice\"\npassword = 's3\"cr\\et'\n",
        "[repository.internal]\nurl = \"http://h/\"\nusername = \"alice\"\npassword = 's3\"cr\\et'\n\n\
         [pypi.internal]\nurl = \"http://h/simple/\"\nusername = \"alice\"\npassword = 's3\"cr\\et'\n",
        "[publish.index.repos.internal]\nurl = \"http://h/\"\nuser = \"alice\"\nauth = 's3\"cr\\et'\n",
    ];
    for (file, expected) in ALL.into_iter().zip(expected) {
        let text = added(file, "");
        assert_eq!(text, expected, "{file:?}");
        assert!(
            file.names(&text, "internal") && !file.names(&text, "other"),
            "{file:?}"
        );
        assert_eq!(added(file, &text), text, "{file:?}");
        assert_eq!(removed(file, &text), "", "{file:?}");
    }
}

#[test]
fn comments_order_line_ends_and_other_repositories_stay() {
    let own = [
        "# mine\r\nnative-tls = true # yes\r\n\r\n[[index]]\r\nname='one'\r\nurl=\"http://one/\"\r\n# the end\r\n",
        "[repositories]\n  [repositories.one] # first\n  url   =   'http://one/'\n\n[virtualenvs]\nin-project = true\n",
        "# logins\n\n# of two\n\n[http-basic.one]\nusername=\"x\"\n\n\n# end, no line end",
        "check_update = false\n[repository.\"a.b\"]\nurl = \"x\"\n[pypi]\nverify_ssl = true\n",
        "[publish]\n\n[publish.index]\nrepo = 'main'\n[template]\nname = \"\"\"\nA\n# not a comment\nB\"\"\"\n",
    ];
    for (file, text) in ALL.into_iter().zip(own) {
        let once = added(file, text);
        assert!(once.starts_with(text), "{file:?}: {once}");
        assert_eq!(added(file, &once), once, "{file:?}");
        assert_eq!(once.contains("\r\n"), text.contains("\r\n"));
        assert!(
            !once.replace("\r\n", "").contains('\n') || !text.contains('\r'),
            "{once:?}"
        );
        let line_end = if text.ends_with('\n') { "" } else { "\n" };
        assert_eq!(removed(file, &once), format!("{text}{line_end}"), "{file:?}");
    }
}

#[test]
fn a_repository_is_changed_in_its_place_and_form() {
    let password = Secret::new("new");
    let edit = |file: ToolFile, text: &str| {
        file.with_repository(text, &repository("internal", PasswordEdit::Set(&password)))
            .unwrap()
    };
    assert_eq!(
        edit(
            ToolFile::PoetryAuth,
            "http-basic = { internal = { username = 'alice', password = 'old' } } # logins\n"
        ),
        "http-basic = { internal = { username = 'alice', password = \"new\" } } # logins\n"
    );
    assert_eq!(
        edit(
            ToolFile::PoetryConfig,
            "repositories.internal.url = 'http://old/' # ours\n"
        ),
        "repositories.internal.url = \"http://h/\" # ours\n"
    );
    assert_eq!(
        edit(
            ToolFile::Uv,
            "index = [{ name = \"internal\", url = 'http://old/', explicit = true }, {url='http://x/'}]\n"
        ),
        "index = [{ name = \"internal\", url = \"http://h/simple/\", explicit = true , publish-url = \"http://h/\" }, \
         {url='http://x/'}]\n"
    );
    let text = "[publish.index.repos.internal]\n# ours\nurl = 'http://old/'\nuser = 'bob' # him\n";
    assert_eq!(
        edit(ToolFile::Hatch, text),
        "[publish.index.repos.internal]\n# ours\nurl = \"http://h/\"\nuser = \"alice\" # him\nauth = \"new\"\n"
    );
    let kept = ToolFile::Hatch
        .with_repository(text, &repository("internal", PasswordEdit::Remove))
        .unwrap();
    assert!(!kept.contains("auth"), "{kept}");
}

#[test]
fn the_only_index_is_the_default_one_and_back() {
    let only = ToolRepository {
        is_only: true,
        ..repository("internal", PasswordEdit::Keep)
    };
    for (file, expected) in [
        (
            ToolFile::Uv,
            "[[index]]\nname = \"internal\"\nurl = \"http://h/simple/\"\npublish-url = \"http://h/\"\ndefault = true\n",
        ),
        (
            ToolFile::Pdm,
            "[repository.internal]\nurl = \"http://h/\"\nusername = \"alice\"\n\n\
             [pypi]\nurl = \"http://h/simple/\"\nusername = \"alice\"\n",
        ),
    ] {
        let text = file.with_repository("", &only).unwrap();
        assert_eq!(text, expected);
        let extra = repository("internal", PasswordEdit::Keep);
        let as_extra = file.with_repository("", &extra).unwrap();
        assert_eq!(file.with_repository(&text, &extra).unwrap(), as_extra);
        assert_eq!(file.with_repository(&as_extra, &only).unwrap(), text);
        assert_eq!(removed(file, &text), "");
    }
    for (file, text) in [
        (ToolFile::Uv, "[[index]]\nurl = 'http://x/'\ndefault = true\n"),
        (ToolFile::Pdm, "[pypi]\nurl = 'http://x/'\n"),
    ] {
        let error = file.with_repository(text, &only).unwrap_err();
        assert!(matches!(error, TomlError::OtherDefault { .. }), "{error}");
        assert_eq!(removed(file, text), text);
    }
}

#[test]
fn an_address_for_uploads_alone_is_no_index() {
    let upload = ToolRepository {
        simple_url: None,
        is_only: true,
        ..repository("pypi", PasswordEdit::Keep)
    };
    assert_eq!(
        ToolFile::Uv.with_repository("# mine\n", &upload).unwrap(),
        "# mine\n"
    );
    assert_eq!(
        ToolFile::Pdm.with_repository("", &upload).unwrap(),
        "[repository.pypi]\nurl = \"http://h/\"\nusername = \"alice\"\n"
    );
}

#[test]
fn pdm_is_told_to_trust_plain_http_of_another_machine_and_nothing_else() {
    let write = |text: &str, simple_url, is_only, is_exposed| {
        let repository = ToolRepository {
            simple_url: Some(simple_url),
            is_only,
            is_exposed,
            ..repository("internal", PasswordEdit::Keep)
        };
        ToolFile::Pdm.with_repository(text, &repository).unwrap()
    };
    for is_only in [false, true] {
        let exposed = write("", "http://h/simple/", is_only, true);
        assert_eq!(exposed.matches("verify_ssl = false\n").count(), 1, "{exposed}");
        assert_eq!(removed(ToolFile::Pdm, &exposed), "");
        // Over https the same word would switch the proof of identity off.
        let safe = write(&exposed, "https://h/simple/", is_only, false);
        assert!(!safe.contains("verify_ssl"), "{safe}");
    }
    let own = "[pypi.internal]\nurl = \"https://h/simple/\"\nverify_ssl = false\n";
    let kept = write(own, "https://h/simple/", false, false);
    assert!(kept.contains("verify_ssl = false"), "{kept}");
}

#[test]
fn what_is_broken_is_told_by_its_line_without_its_values() {
    for (text, line) in [
        ("a = 1\nb = hunter2\n", 2),
        ("a = 1\na = 'hunter2'\n", 2),
        ("[x\npassword = 'hunter2'\n", 1),
    ] {
        let error = ToolFile::Hatch
            .with_repository(text, &repository("internal", PasswordEdit::Keep))
            .unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("line {line}: ")),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    for (file, text) in [
        (ToolFile::Uv, "index = 3\n"),
        (ToolFile::PoetryConfig, "repositories = 'x'\n"),
        (ToolFile::Hatch, "[publish]\nindex = []\n"),
    ] {
        let error = file
            .with_repository(text, &repository("internal", PasswordEdit::Keep))
            .unwrap_err();
        assert!(matches!(error, TomlError::NotATable { .. }), "{error}");
        assert_eq!(removed(file, text), text);
    }
}

/// Settings of all forms: comments, quotes, dotted keys, inline tables, line ends, lists of tables.
fn toml_text() -> impl Strategy<Value = String> {
    let line_end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    let piece = prop_oneof![
        "k[a-f] = (1|true|'x'|\"y\"|\\[1, 2\\]|\\{ a = 1 \\}) ?(# c)?",
        "# [a-z ]{0,5}",
        Just(String::new()),
        "\\[t[a-f]\\]",
        "\\[(repositories|repository|pypi|publish|publish.index|http-basic)\\]",
        "\\[(repositories|repository|pypi|publish.index.repos|http-basic)\\.(one|internal|'a.b')\\] ?(# c)?",
        "url ?= ?'http://x/' ?(# c)?",
        "\\[\\[index\\]\\]",
        "name = '(one|internal)'",
        Just("text = '''\n# no comment\n'''".to_owned()),
    ];
    (proptest::collection::vec(piece, 0..9), line_end, any::<bool>()).prop_map(|(lines, line_end, ended)| {
        let mut text = lines.join(line_end);
        if ended {
            text.push_str(line_end);
        }
        text
    })
}

/// The text without what the file says of `internal`.
fn others(file: ToolFile, text: &str) -> serde_json::Value {
    let document = toml_text::parse(&removed(file, text)).unwrap();
    let mut meaning = toml_text::meaning(document.as_table());
    let is_filled = |value: &serde_json::Value| value.as_object().is_none_or(|table| !table.is_empty());
    meaning
        .as_object_mut()
        .unwrap()
        .retain(|_, value| is_filled(value));
    meaning
}

#[test]
fn only_what_was_asked_for_changes() {
    let texts = samples(&toml_text(), 3_000);
    let mut edits = 0;
    for text in texts {
        for file in ALL {
            let edit = repository("internal", PasswordEdit::Keep);
            let Ok(after) = file.with_repository(&text, &edit) else {
                continue;
            };
            edits += 1;
            assert_eq!(
                file.with_repository(&after, &edit).unwrap(),
                after,
                "{file:?} {text:?}"
            );
            assert_eq!(
                others(file, &after),
                others(file, &text),
                "{file:?} {text:?} {after:?}"
            );
            let comments = |text: &str| text.lines().filter(|line| line.trim().starts_with('#')).count();
            assert_eq!(comments(&after), comments(&text), "{file:?} {text:?} {after:?}");
            let knew = text.contains("internal");
            let ended = text.is_empty() || text.ends_with('\n');
            if !knew && ended {
                assert_eq!(removed(file, &after), text, "{file:?} {after:?}");
            }
        }
    }
    assert!(edits > 1_000, "{edits}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "([\\[\\]=.#'\" \n\ra-c\u{e9}]|index|pypi|internal){0,40}") {
        for file in ALL {
            let _ = file.with_repository(&text, &repository("internal", PasswordEdit::Keep));
            let _ = file.without_repository(&text, "internal", &[]);
        }
    }
}
