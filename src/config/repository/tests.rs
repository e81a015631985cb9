//! Which index and which user are found, layer by layer; and what is refused.

use super::*;

struct Home {
    folder: tempfile::TempDir,
}

const INTERNAL: &str = "[distutils]\nindex-servers = internal\n\n[internal]\n\
    repository = http://localhost:8080/\nusername = alice\npassword = s3cret%x\n";

impl Home {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn resolve(&self, wanted: &Wanted, variables: &[(&str, &str)]) -> Result<Target, RepositoryError> {
        resolve(wanted, &Environment::for_testing(self.folder.path(), variables))
    }
}

fn named(name: &str) -> Wanted {
    Wanted {
        repository: Some(name.to_owned()),
        ..Wanted::default()
    }
}

fn at(url: &str) -> Wanted {
    Wanted {
        repository_url: Some(url.to_owned()),
        ..Wanted::default()
    }
}

fn who(target: &Target) -> (Option<&str>, Option<&str>) {
    (
        target.username.as_ref().map(|user| user.value.as_str()),
        target.password.as_ref().map(|secret| secret.value.expose()),
    )
}

#[test]
fn the_only_private_repository_is_taken() {
    let text = format!("{INTERNAL}\n[pypi]\nusername = __token__\npassword = public\n");
    let target = Home::with(&[(".pypirc", &text)])
        .resolve(&Wanted::default(), &[])
        .unwrap();
    assert_eq!(target.url.as_str(), "http://localhost:8080/");
    assert_eq!(target.repository.as_deref(), Some("internal"));
    assert_eq!(who(&target), (Some("alice"), Some("s3cret%x")));
}

#[test]
fn between_several_and_from_none_nothing_is_guessed() {
    let several = format!(
        "{}\n[second]\nrepository = http://other/\n",
        INTERNAL.replace("internal\n\n", "internal second\n\n")
    );
    let error = Home::with(&[(".pypirc", &several)])
        .resolve(&Wanted::default(), &[])
        .unwrap_err();
    assert!(
        matches!(&error, RepositoryError::Several { names } if names.len() == 2),
        "{error:?}"
    );
    let public = "[distutils]\nindex-servers = pypi testpypi\n[pypi]\nusername = __token__\n\
                  [testpypi]\nrepository = https://test.pypi.org/legacy/\n";
    for text in ["", public] {
        let error = Home::with(&[(".pypirc", text)])
            .resolve(&Wanted::default(), &[])
            .unwrap_err();
        assert!(matches!(error, RepositoryError::None { .. }), "{error:?}");
    }
    let error = Home::with(&[]).resolve(&Wanted::default(), &[]).unwrap_err();
    assert!(matches!(error, RepositoryError::None { .. }), "{error:?}");
}

#[test]
fn the_public_index_needs_its_name_spelt_out_and_gets_a_token_user() {
    let text = "[pypi]\nusername = old\npassword = pypi-token\n";
    let target = Home::with(&[(".pypirc", text)])
        .resolve(&named("pypi"), &[])
        .unwrap();
    assert_eq!(target.url.as_str(), "https://upload.pypi.org/legacy/");
    assert_eq!(who(&target), (Some("__token__"), Some("pypi-token")));
    let plain = Home::with(&[])
        .resolve(&at("http://upload.pypi.org/legacy/"), &[])
        .unwrap();
    assert_eq!(plain.url.scheme(), "https");
}

#[test]
fn flag_beats_our_variable_beats_twines_beats_file() {
    let home = Home::with(&[(".pypirc", INTERNAL)]);
    let twine = [("TWINE_USERNAME", "tina"), ("TWINE_PASSWORD", "t")];
    let both = [
        ("TWINE_USERNAME", "tina"),
        ("TWINE_PASSWORD", "t"),
        ("PKGCTL_USERNAME", "paul"),
        ("PKGCTL_PASSWORD", "p"),
    ];
    let who_with = |wanted: &Wanted, variables: &[(&str, &str)]| {
        let target = home.resolve(wanted, variables).unwrap();
        let (user, password) = who(&target);
        (user.map(str::to_owned), password.map(str::to_owned))
    };
    let pair = |user: &str, password: &str| (Some(user.to_owned()), Some(password.to_owned()));
    assert_eq!(who_with(&Wanted::default(), &twine), pair("tina", "t"));
    assert_eq!(who_with(&Wanted::default(), &both), pair("paul", "p"));
    let flags = Wanted {
        username: Some("fred".to_owned()),
        password: Some(Secret::new("f".to_owned())),
        ..Wanted::default()
    };
    assert_eq!(who_with(&flags, &both), pair("fred", "f"));
    assert_eq!(
        who_with(&Wanted::default(), &[("TWINE_USERNAME", "")]),
        pair("alice", "s3cret%x")
    );
    let urls = [
        ("TWINE_REPOSITORY_URL", "http://twine/"),
        ("PKGCTL_REPOSITORY", "internal"),
    ];
    assert_eq!(
        home.resolve(&Wanted::default(), &urls)
            .unwrap()
            .repository
            .as_deref(),
        Some("internal")
    );
    assert_eq!(
        home.resolve(&at("http://flag/"), &urls).unwrap().url.as_str(),
        "http://flag/"
    );
}

#[test]
fn a_password_of_one_user_is_not_sent_as_anothers() {
    let home = Home::with(&[
        (".pypirc", INTERNAL),
        (".netrc", "machine localhost login carol password n"),
    ]);
    let as_user = |name: &str| {
        let wanted = Wanted {
            username: Some(name.to_owned()),
            ..named("internal")
        };
        home.resolve(&wanted, &[]).unwrap()
    };
    assert_eq!(who(&as_user("bob")), (Some("bob"), None));
    assert_eq!(who(&as_user("carol")), (Some("carol"), Some("n")));
    assert_eq!(who(&as_user("alice")), (Some("alice"), Some("s3cret%x")));
}

#[test]
fn credentials_are_found_by_address_in_the_address_and_in_netrc() {
    let home = Home::with(&[(".pypirc", INTERNAL)]);
    assert_eq!(
        who(&home.resolve(&at("http://localhost:8080"), &[]).unwrap()),
        (Some("alice"), Some("s3cret%x"))
    );
    assert_eq!(
        who(&home.resolve(&at("http://localhost:8081"), &[]).unwrap()),
        (None, None)
    );
    let in_url = home.resolve(&at("http://b%40b:p%3Aw@other/x"), &[]).unwrap();
    assert_eq!(
        (in_url.url.as_str(), who(&in_url)),
        ("http://other/x", (Some("b@b"), Some("p:w")))
    );
    let netrc = Home::with(&[(".netrc", "machine other login nora password n")]);
    assert_eq!(
        who(&netrc.resolve(&at("http://other/"), &[]).unwrap()),
        (Some("nora"), Some("n"))
    );
    let broken = Home::with(&[(".netrc", "machine other pasword geheim")]);
    let target = broken.resolve(&at("http://other/"), &[]).unwrap();
    assert!(
        target.notes.iter().any(|note| note.contains("line 1")) && !target.notes.concat().contains("geheim")
    );
}

#[test]
fn an_empty_user_in_the_file_means_nobody() {
    let text =
        "[distutils]\nindex-servers = open\n[open]\nrepository = http://open/\nusername =\npassword =\n";
    let home = Home::with(&[(".pypirc", text), (".netrc", "default login x password y")]);
    let target = home.resolve(&Wanted::default(), &[]).unwrap();
    assert!(target.anonymous && who(&target) == (None, None));
    let asked = home
        .resolve(&Wanted::default(), &[("PKGCTL_USERNAME", "u")])
        .unwrap();
    assert!(!asked.anonymous);
}

#[test]
fn what_is_missing_or_malformed_is_named_without_secrets() {
    let home = Home::with(&[(
        ".pypirc",
        &format!(
            "{}[empty]\nusername = x\n",
            INTERNAL.replace("= internal", "= internal empty")
        ),
    )]);
    let text = |wanted: &Wanted| home.resolve(wanted, &[]).unwrap_err().to_string();
    assert!(text(&named("nosuch")).contains("`nosuch`") && text(&named("nosuch")).contains("`internal`"));
    assert!(text(&named("empty")).contains("[empty]"));
    for bad in [
        "ftp://host/",
        "localhost:8080",
        "http://",
        "/dist",
        "https://u:geheim@",
    ] {
        let message = text(&at(bad));
        assert!(
            message.contains("--repository-url") && !message.contains("geheim"),
            "{message}"
        );
    }
    let missing = Wanted {
        config_file: Some("nosuch.ini".into()),
        ..Wanted::default()
    };
    assert!(text(&missing).contains("nosuch.ini"));
}

#[test]
fn the_variable_of_configure_names_the_file_here_too_below_the_flag() {
    let home = Home::with(&[("team.ini", INTERNAL), (".pypirc", "geheim ohne Sinn\n")]);
    let variables = |file| [("PKGCTL_PYPIRC", file)];
    let target = home
        .resolve(&Wanted::default(), &variables("~/team.ini"))
        .unwrap();
    assert_eq!(target.repository.as_deref(), Some("internal"));
    let missing = home.resolve(&at("http://localhost/"), &variables("nosuch.ini"));
    assert!(matches!(missing, Err(RepositoryError::Unreadable { path, .. }) if path.ends_with("nosuch.ini")));
    let flag = Wanted {
        config_file: Some("team.ini".into()),
        ..Wanted::default()
    };
    assert!(home.resolve(&flag, &variables("nosuch.ini")).is_ok());
    assert!(
        home.resolve(&at("http://localhost/"), &variables("")).is_ok(),
        "empty is absent"
    );
}

#[test]
fn a_malformed_file_stops_only_those_who_need_it() {
    let home = Home::with(&[(".pypirc", "geheim ohne Sinn\n")]);
    assert!(matches!(
        home.resolve(&named("internal"), &[]),
        Err(RepositoryError::Malformed { .. })
    ));
    let target = home.resolve(&at("http://localhost/"), &[]).unwrap();
    assert!(target.notes[0].contains(".pypirc"), "{:?}", target.notes);
    assert!(!target.notes.concat().contains("geheim"), "{:?}", target.notes);
}
