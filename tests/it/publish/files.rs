//! Which files are sent and in which form, and which ones stop everything.

use super::{SDIST, WHEEL, World, expect_in_order, my_wheel};
use crate::support::distributions::{Distribution, sdist, wheel, zip_of};
use crate::support::scripted_index::Reply;

#[test]
fn a_folder_is_sent_as_the_form_wants_it() {
    let wheel = wheel("My.Lib", "1.0")
        .metadata_version("2.4")
        .header("Summary", "A library")
        .header("Classifier", "A :: B")
        .header("Classifier", "C :: D")
        .requires_python(">=3.8")
        .requires("requests>=2")
        .build();
    let sdist = sdist("My.Lib", "1.0").build();
    let world = World::new(&[sdist.clone(), wheel.clone()], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_code(0);
    let table: Vec<Vec<&str>> = outcome
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!((table[0][0], table[0][3]), (WHEEL, "uploaded"));
    assert_eq!((table[1][0], table[1][3]), (SDIST, "uploaded"));
    expect_in_order(
        &outcome.stderr,
        &[
            "`internal`",
            "alice",
            "uploaded my_lib-1.0-py3",
            "uploaded my_lib-1.0.tar.gz",
        ],
    );

    let uploads = world.index.uploads();
    assert_eq!(world.uploaded(), [WHEEL, SDIST], "wheels go first");
    for (upload, file) in uploads.iter().zip([&wheel, &sdist]) {
        assert_eq!(upload.target, "/");
        // alice:s3cret
        assert_eq!(upload.header("Authorization"), Some("Basic YWxpY2U6czNjcmV0"));
        assert_eq!(upload.header("Transfer-Encoding"), None);
        let agent = upload.header("User-Agent").unwrap();
        assert!(
            agent.starts_with("pkgctl/") && !agent.contains("twine"),
            "{agent}"
        );
        assert_eq!(upload.file(), (file.filename.clone(), file.bytes.clone()));
        let digest = ("sha256_digest".to_owned(), file.sha256());
        assert!(upload.fields().contains(&digest));
        assert_eq!(upload.parts().last().unwrap().0, "content", "the file comes last");
    }
    let fields = uploads[0].fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(
        fields[..2],
        [(":action", "file_upload"), ("protocol_version", "1")]
    );
    for field in [
        ("filetype", "bdist_wheel"),
        ("pyversion", "py3"),
        ("metadata_version", "2.4"),
        ("name", "My.Lib"),
        ("version", "1.0"),
        ("summary", "A library"),
        ("classifiers", "A :: B"),
        ("classifiers", "C :: D"),
        ("requires_python", ">=3.8"),
        ("requires_dist", "requests>=2"),
    ] {
        assert!(fields.contains(&field), "{field:?} is not in {fields:?}");
    }
    let of_sdist = uploads[1].fields();
    assert!(of_sdist.contains(&("pyversion".to_owned(), "source".to_owned())));
}

#[test]
fn a_large_file_arrives_whole() {
    let large = wheel("my-lib", "1.0").padding(5_000_000, 7).build();
    let world = World::new(std::slice::from_ref(&large), [Reply::ok()]);
    world.publish(&[]).expect_code(0);
    assert_eq!(world.index.uploads()[0].file().1, large.bytes);
}

#[test]
fn files_patterns_and_folders_may_be_named_and_strays_in_folders_are_reported() {
    let world = World::new(&[my_wheel(), sdist("my-lib", "1.0").build()], [Reply::ok()]);
    world.bed.write("dist/notes.txt", "notes");
    world.bed.write("dist/.gitignore", "*");
    let outcome = world
        .publish(&["dist/*.whl", "dist", "dist/./my_lib-1.0.tar.gz"])
        .expect_code(0);
    assert_eq!(world.uploaded(), [WHEEL, SDIST]);
    assert!(
        outcome.stderr.contains("ignored `dist/notes.txt`"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains(".gitignore"), "{}", outcome.stderr);
}

#[test]
fn old_versions_in_the_folder_are_pointed_out() {
    let world = World::new(&[my_wheel(), wheel("my-lib", "0.9").build()], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_code(0);
    expect_in_order(&outcome.stderr, &["warning: ", "`my-lib`", "0.9, 1.0"]);
}

#[test]
fn an_empty_or_missing_folder_points_to_build() {
    let world = World::new(&[], [Reply::ok()]);
    for _ in 0..2 {
        let outcome = world.publish(&[]).expect_failure(1, "`dist`");
        assert!(outcome.stderr.contains("pkgctl build"), "{}", outcome.stderr);
        world.bed.write("dist/notes.txt", "only a stray");
    }
    world
        .publish(&["dist/my_lib-2.0.whl"])
        .expect_failure(1, "dist/my_lib-2.0.whl");
    world.publish(&["dist/*.whl"]).expect_failure(1, "dist/*.whl");
}

#[test]
fn nothing_is_sent_when_one_file_is_bad_and_all_bad_ones_are_named() {
    let cut = Distribution {
        bytes: my_wheel().bytes[..100].to_vec(),
        ..wheel("cut", "1.0").build()
    };
    let mislabelled = wheel("other", "1.0")
        .filename("label-1.0-py3-none-any.whl")
        .build();
    let not_gzip = Distribution {
        bytes: b"not a tar".to_vec(),
        ..sdist("plain", "1.0").build()
    };
    let world = World::new(&[my_wheel(), cut, mislabelled, not_gzip], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_failure(1, "cut-1.0-py3-none-any.whl");
    for name in ["label-1.0-py3-none-any.whl", "plain-1.0.tar.gz"] {
        assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains(WHEEL), "{}", outcome.stderr);
    assert_eq!(world.index.requests().len(), 0);
}

#[test]
fn strangers_that_were_named_stop_everything() {
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    world.bed.write("dist/notes.txt", "notes");
    let outcome = world
        .publish(&["dist/my_lib-1.0-py3-none-any.whl", "dist/notes.txt"])
        .expect_failure(1, "dist/notes.txt");
    assert!(
        outcome
            .stderr
            .contains("`dist/notes.txt` is not a distribution: its name ends in none of"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr.matches("not a distribution").count(), 1);
    assert_eq!(world.index.requests().len(), 0);
}

#[test]
fn an_sdist_of_the_past_is_sent_and_a_name_of_the_past_is_explained() {
    let zip = Distribution {
        filename: "my_lib-1.0.zip".to_owned(),
        bytes: zip_of(&[
            (
                "my_lib-1.0/PKG-INFO".to_owned(),
                b"Metadata-Version: 1.2\nName: my-lib\nVersion: 1.0\n".to_vec(),
            ),
            ("my_lib-1.0/setup.py".to_owned(), b"import setuptools\n".to_vec()),
        ]),
    };
    let world = World::new(&[zip], [Reply::ok()]);
    world.publish(&["dist/my_lib-1.0.zip"]).expect_code(0);
    assert_eq!(world.uploaded(), ["my_lib-1.0.zip"]);
    world.bed.write("dist/Old.Style_Pkg-1.0dev-r123.tar.gz", "x");
    let outcome = world.publish(&["dist"]).expect_code(0);
    expect_in_order(
        &outcome.stderr,
        &["ignored `dist/Old.Style_Pkg-1.0dev-r123.tar.gz`: ", "version"],
    );
}

#[test]
fn a_readme_that_would_not_show_stops_everything_too() {
    let readme = |name: &str, text: &str| {
        wheel(name, "1.0")
            .header("Description-Content-Type", "text/x-rst")
            .description(text)
            .build()
    };
    let bad = [
        readme("a", "A title\n====\n"),
        readme("b", ".. raw:: html\n\n   <b>\n"),
    ];
    let world = World::new(&[bad[0].clone(), bad[1].clone(), my_wheel()], [Reply::ok()]);
    let outcome = world.publish(&[]).expect_failure(1, "underline too short");
    for named in [
        "a-1.0-py3-none-any.whl",
        "b-1.0-py3-none-any.whl",
        "\"raw\" directive",
        "pkgctl check",
    ] {
        assert!(outcome.stderr.contains(named), "{named}: {}", outcome.stderr);
    }
    assert!(world.uploaded().is_empty());
}
