//! The form, field by field, beside the one that twine sends for the same files.

use super::{World, my_wheel};
use crate::support::distributions::{sdist, sha256, wheel};
use crate::support::scripted_index::{Reply, Request};
use crate::support::{Outcome, tools};

/// The parts of a form without their order, files with their names.
fn parts(upload: &Request) -> Vec<(String, Option<String>, String)> {
    let mut parts: Vec<_> = upload
        .parts()
        .into_iter()
        .map(|(name, filename, content)| (name, filename, readable(&content)))
        .collect();
    parts.sort();
    parts
}

/// Text as it is; of files their digest, which is easier to read in a failure.
fn readable(content: &[u8]) -> String {
    match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => sha256(content),
    }
}

#[test]
fn it_is_twines_field_by_field() {
    let Ok(twine) = tools::twine() else { return };
    let full = wheel("My_Lib.x", "1.0rc1+local.2")
        .metadata_version("2.4")
        .tags("2-cp311.cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64")
        .header("Summary", "Ünïcode and \"quotes\"")
        .header("Keywords", "one,two")
        .header("Home-page", "https://example.com/")
        .header("Download-URL", "https://example.com/download")
        .header("Author", "A. Uthor")
        .header("Author-email", "a@example.com")
        .header("Maintainer", "M. Aintainer")
        .header("Maintainer-email", "m@example.com")
        .header("License-Expression", "MIT")
        .header("License-File", "LICENSE")
        .header("License-File", "AUTHORS")
        .header("Classifier", "Programming Language :: Python :: 3")
        .header("Classifier", "Topic :: Utilities")
        .header("Platform", "any")
        .header("Supported-Platform", "linux")
        .requires("requests>=2; extra == 'http'")
        .requires("attrs")
        .header("Provides-Extra", "http")
        .requires_python(">=3.8")
        .header("Requires-External", "libpng (>=1.5)")
        .header("Provides-Dist", "other")
        .header("Obsoletes-Dist", "older")
        .header("Project-URL", "Source, https://example.com/source")
        .header("Dynamic", "Platform")
        .header("Description-Content-Type", "text/markdown; charset=UTF-8")
        .file("my_lib_x-1.0rc1+local.2.dist-info/licenses/LICENSE", "x")
        .file("my_lib_x-1.0rc1+local.2.dist-info/licenses/AUTHORS", "x")
        .description("# Heading\n\nA line.\n\n    code\n\nLäst line\n")
        .build();
    let plain = sdist("My_Lib.x", "1.0rc1+local.2")
        .metadata_version("2.4")
        .requires_python(">=3.9")
        .build();
    let world = World::new(&[full.clone(), plain.clone()], [Reply::ok()]);
    world.bed.write(
        &format!("dist/{}.asc", full.filename),
        "-----BEGIN PGP SIGNATURE-----\n",
    );

    let mut theirs = twine.command(&world.bed);
    theirs
        .args([
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "--comment",
            "a remark",
        ])
        .args(["--repository-url", &world.index.url, "-u", "u", "-p", "p"])
        .args([
            format!("dist/{}", full.filename),
            format!("dist/{}", plain.filename),
            format!("dist/{}.asc", full.filename),
        ]);
    Outcome::of(&mut theirs).expect_code(0);
    let twines = world.index.uploads();
    let arguments = [
        "--comment",
        "a remark",
        "--repository-url",
        &world.index.url,
        "-u",
        "u",
        "-p",
        "p",
    ];
    world.publish_only(&arguments).expect_code(0);
    let uploads = world.index.uploads();
    let ours = &uploads[twines.len()..];

    assert_eq!((twines.len(), ours.len()), (2, 2));
    for (ours, twines) in ours.iter().zip(&twines) {
        let (ours_parts, mut twines_parts) = (parts(ours), parts(twines));
        // twine spells the name anew, and joins the keywords anew; others send what the metadata say, as we do.
        let respelt = [
            ("name", "My-Lib.x", "My_Lib.x"),
            ("keywords", "one, two", "one,two"),
        ];
        for (name, _, value) in &mut twines_parts {
            if let Some((_, new, written)) = respelt.iter().find(|(field, _, _)| field == name) {
                assert_eq!(value, new);
                (*written).clone_into(value);
            }
        }
        assert_eq!(ours_parts, twines_parts);
        assert_eq!(ours.header("Authorization"), twines.header("Authorization"));
        for framing in ["Content-Length", "Transfer-Encoding", "Expect"] {
            assert_eq!(
                ours.header(framing).is_some(),
                twines.header(framing).is_some(),
                "{framing}"
            );
        }
        let media_type = |upload: &Request| {
            let value = upload.header("Content-Type").unwrap().to_owned();
            value.split(';').next().unwrap().to_owned()
        };
        assert_eq!(media_type(ours), media_type(twines));
        for form in [ours, twines] {
            assert_eq!(form.parts().last().unwrap().0, "content", "the file comes last");
        }
    }
}

/// Some indexes insist on this field; twine leaves it out when there is nothing to say.
#[test]
fn an_empty_requires_python_is_all_that_is_said_beyond() {
    let Ok(twine) = tools::twine() else { return };
    let world = World::new(&[my_wheel()], [Reply::ok()]);
    let mut theirs = twine.command(&world.bed);
    theirs
        .args([
            "upload",
            "--non-interactive",
            "--repository-url",
            &world.index.url,
        ])
        .args(["-u", "u", "-p", "p", "dist/my_lib-1.0-py3-none-any.whl"]);
    Outcome::of(&mut theirs).expect_code(0);
    world.publish_only(&[]).expect_code(0);
    let uploads = world.index.uploads();
    let mut ours = parts(&uploads[1]);
    ours.retain(|(name, _, value)| name != "requires_python" || !value.is_empty());
    assert_eq!(ours, parts(&uploads[0]));
}
