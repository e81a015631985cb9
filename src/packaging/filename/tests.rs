use proptest::prelude::*;

use super::*;

#[test]
fn kinds_and_interpreters_have_the_words_of_the_upload_form() {
    for (text, package_type, python_version) in [
        ("a-1.0-py2.py3-none-any.whl", "bdist_wheel", "py2.py3"),
        ("a-1.0-7-cp312-abi3-linux_x86_64.whl", "bdist_wheel", "cp312"),
        ("a-1.0.tar.gz", "sdist", "source"),
        ("a-1.0.zip", "sdist", "source"),
        ("a-1.0.tar.bz2", "sdist", "source"),
        ("a-1.0-py2.7.egg", "bdist_egg", "2.7"),
        ("a-1.0-py3.10-linux-x86_64.egg", "bdist_egg", "3.10"),
        ("a-1.0.win32-py2.7.exe", "bdist_wininst", "2.7"),
        ("a-1.0.win32.exe", "bdist_wininst", "any"),
        ("a-1.0.win-amd64-py3.4.msi", "bdist_msi", "3.4"),
    ] {
        let name = DistFilename::parse_listed(text).unwrap();
        assert_eq!(
            (name.package_type(), name.python_version()),
            (package_type, python_version),
            "{text}"
        );
    }
}

fn parts(text: &str) -> (String, String) {
    let name = DistFilename::parse_listed(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(name.as_str(), text);
    (name.project().to_string(), name.version().to_string())
}

fn expect(text: &str, project: &str, version: &str) {
    assert_eq!(parts(text), (project.to_owned(), version.to_owned()), "{text}");
}

#[test]
fn wheels_are_taken_apart() {
    expect("my_lib-1.0.0-py3-none-any.whl", "my-lib", "1.0.0");
    expect(
        "My.Lib-1.0-1build-cp311.cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "my-lib",
        "1.0",
    );
    expect("a-1.0+local.1-py3-none-linux_x86_64.whl", "a", "1.0+local.1");
    expect("a-1!2.0-py2.py3-none-any.whl", "a", "1!2.0");
    expect("a-1.0_1-py3-none-any.whl", "a", "1.0.post1");
    let DistFilename::Wheel(wheel) = "a-1.0-217-cp3-abi3t-any-x86_64_v3.whl".parse().unwrap() else {
        panic!()
    };
    assert_eq!(
        (wheel.build.as_deref(), wheel.variant.as_deref()),
        (Some("217"), Some("x86_64_v3"))
    );
}

#[test]
fn sdists_are_taken_apart() {
    expect("my_lib-1.0.0.tar.gz", "my-lib", "1.0.0");
    expect("python-daemon-3K-1.5.8.tar.gz", "python-daemon-3k", "1.5.8");
    expect("foo-1.0-1.tar.gz", "foo", "1.0.post1");
    expect("zope.interface-5.0.zip", "zope-interface", "5.0");
    expect("foo-v1.0.tar.gz", "foo", "1.0");
}

#[test]
fn old_formats_stay_listed() {
    expect("Foo-1.0-py2.7.egg", "foo", "1.0");
    expect("foo-1.0.win32-py2.7.exe", "foo", "1.0");
    expect("foo-1.0.win-amd64-py3.3.msi", "foo", "1.0");
    expect("foo-1.0.tar.bz2", "foo", "1.0");
    expect("foo-1.0.tgz", "foo", "1.0");
    expect("foo-1.0_rc1-py2.7.egg", "foo", "1.0rc1");
    expect("notaversion-abc.tar.gz", "notaversion", "abc");
    expect("foo-bar-1.0-py3-none-any.whl", "foo-bar", "1.0");
    expect("foo-2004d.tar.gz", "foo", "2004d");
}

#[test]
fn what_is_taken_as_an_upload_is_less_than_what_is_listed() {
    for taken in [
        "foo-1.0.zip",
        "Foo-1.0-py2.7.egg",
        "foo-1.0.tgz",
        "foo-1.0-py3-none-any.whl",
    ] {
        assert!(DistFilename::parse_uploaded(taken).is_ok(), "{taken}");
    }
    for (old, remedy) in [
        ("foo-1.0.win32-py2.7.exe", "build a wheel"),
        ("foo-1.0.win32.msi", "build a wheel"),
        ("setup.exe", "build a wheel"),
        ("foo-1.0.tar.bz2", "as `.tar.gz`"),
        ("foo-1.0.tar.xz", "as `.tar.gz`"),
        ("foo-2004d.tgz", "give it a version"),
        ("foo-1.0.TAR.GZ", "in small letters"),
        ("foo-1.0-py3-none-any.WHL", "in small letters"),
        ("foo-1.0.tar.gz.asc", "the field `gpg_signature`"),
        ("foo-1.0-py3-none-any.whl.metadata", "reads its metadata itself"),
    ] {
        let error = DistFilename::parse_uploaded(old).unwrap_err().to_string();
        assert!(error.contains(remedy), "{error}");
    }
    for strict in ["Foo-1.0-py2.7.egg", "foo-1.0.tgz", "foo-2004d.tar.gz"] {
        assert!(
            strict.parse::<DistFilename>().is_err(),
            "{strict} would be published"
        );
    }
}

#[test]
fn junk_is_not_a_distribution() {
    for junk in [
        "",
        ".hidden-1.0.tar.gz",
        "../a-1.0.tar.gz",
        "a/b-1.0.tar.gz",
        "a\\b-1.0.tar.gz",
        "README.md",
        "a.whl",
        "a-1.0.whl",
        "a-1.0-py3-none.whl",
        "a-1.0-py3-none-any.whl.metadata",
        "setup.exe",
        "index.html",
        "a-1.0-py3-none-any.whl.html",
        "a-1.0.tar.gz\n",
        "a\u{202e}-1.0.tar.gz",
        "a-1.0.tar.gz.asc",
        ".htaccess",
    ] {
        assert!(DistFilename::parse_listed(junk).is_err(), "{junk:?} was listed");
    }
    let long = format!("{}-1.0.tar.gz", "a".repeat(200));
    assert!(matches!(
        long.parse::<DistFilename>(),
        Err(FilenameError::TooLong { .. })
    ));
}

#[test]
fn spellings_of_one_distribution_share_an_identity() {
    let same = [
        ["a.b-1.0.tar.gz", "A_B-1.0.0.tar.gz"],
        ["a-b-1.0.post1.tar.gz", "a_b-1.post1.tar.gz"],
        ["a_b-0!1.0-py3-none-any.whl", "A.B-1-py3-none-any.whl"],
    ];
    for [one, other] in same {
        let identity = |text: &str| text.parse::<DistFilename>().unwrap().identity();
        assert_eq!(identity(one), identity(other));
    }
    let identity = |text: &str| text.parse::<DistFilename>().unwrap().identity();
    assert_ne!(identity("a-10.tar.gz"), identity("a-1.tar.gz"));
    assert_ne!(
        identity("a-1.0-py3-none-any.whl"),
        identity("a-1.0-1-py3-none-any.whl")
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in "\\PC{0,60}") {
        if let Ok(name) = DistFilename::parse_listed(&text) {
            prop_assert_eq!(name.as_str(), &text);
        }
    }

    #[test]
    fn what_may_be_uploaded_is_listed_under_the_same_name(
        stem in "[a-zA-Z0-9._!+-]{0,30}",
        ending in prop::sample::select(vec![".whl", ".tar.gz", ".zip", ".egg", ".tgz", ".tar.xz", ".exe", ".Zip", ""]),
    ) {
        let text = format!("{stem}{ending}");
        if let Ok(uploaded) = DistFilename::parse_uploaded(&text) {
            prop_assert_eq!(DistFilename::parse_listed(&text), Ok(uploaded));
        }
    }

    #[test]
    fn old_names_are_taken_apart_where_they_were_put_together(
        name in "[a-z][a-z0-9]{0,8}(-[a-z][a-z0-9]{0,8})?",
        version in "[0-9]{1,3}\\.[0-9]{1,3}(\\.[0-9]{1,2})?(a1|rc2)?",
        platform in prop::sample::select(vec!["", ".linux-x86_64", ".win32", "-py2.7", "-py3.11", ".macosx-10.9-x86_64"]),
        ending in prop::sample::select(vec![".tgz", ".tar.bz2", ".egg", ".TAR.GZ"]),
    ) {
        let text = format!("{name}-{version}{platform}{ending}");
        let parsed = DistFilename::parse_listed(&text).unwrap();
        prop_assert_eq!(parsed.project().as_str(), &name);
        prop_assert_eq!(parsed.version(), &ReleaseVersion::parse(&version));
    }

    #[test]
    fn standard_names_round_trip(name in "[a-z][a-z0-9_]{0,12}[a-z0-9]", major in 0u32..90, minor in 0u32..90) {
        let wheel = format!("{name}-{major}.{minor}-py3-none-any.whl");
        let sdist = format!("{name}-{major}.{minor}.tar.gz");
        for text in [wheel, sdist] {
            let parsed: DistFilename = text.parse().unwrap();
            prop_assert_eq!(parsed.as_str(), &text);
            prop_assert_eq!(parsed.version().to_string(), format!("{major}.{minor}"));
            prop_assert_eq!(parsed.project(), &name.parse::<ProjectName>().unwrap());
        }
    }
}
