//! Files are the truth: what people do to the folder is in the very next answer.

use std::fs;
use std::io::Write as _;

use crate::support::Testbed;
use crate::support::distributions::{sdist, wheel};
use crate::support::http::get;
use crate::support::index::listed;
use crate::support::upload::upload;

const JSON: [(&str, &str); 1] = [("Accept", "application/vnd.pypi.simple.v1+json")];

fn listed_sha256(server: &str, project: &str) -> String {
    let page = get(server, &format!("/simple/{project}/"), &JSON)
        .expect(200)
        .json();
    page["files"][0]["hashes"]["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn changes_are_in_the_very_next_answer() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    get(&server.url, "/simple/lib/", &[]).expect(404);
    for round in 0..25 {
        let version = format!("1.{round}");
        let added = wheel("lib", &version).build();
        let path = added.write_into(&folder);
        assert!(
            listed(&server.url, "lib").contains(&added.filename),
            "copied in, round {round}"
        );
        assert!(get(&server.url, "/simple/", &JSON).text().contains("\"lib\""));
        let other = wheel("lib", &version).padding(100 + round, 1).build();
        fs::write(&path, &other.bytes).unwrap();
        let page = get(&server.url, "/simple/lib/", &JSON).text();
        assert!(page.contains(&other.sha256()), "replaced in place, round {round}");
        assert!(get(&server.url, &format!("/packages/{}", added.filename), &[]).body == other.bytes);
        let renamed_over = wheel("lib", &version).padding(5000, 2).build();
        let aside = testbed.write("aside", &renamed_over.bytes);
        fs::rename(aside, &path).unwrap();
        let page = get(&server.url, "/simple/lib/", &JSON).text();
        assert!(
            page.contains(&renamed_over.sha256()),
            "renamed over, round {round}"
        );
        fs::remove_file(&path).unwrap();
        assert!(listed(&server.url, "lib").is_empty(), "removed, round {round}");
        get(&server.url, &format!("/packages/{}", added.filename), &[]).expect(404);
    }
}

#[test]
fn nested_folders_come_and_go() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    assert_eq!(listed(&server.url, "lib"), Vec::<String>::new());
    let file = wheel("lib", "1.0").build();
    file.write_into(folder.join("team/a"));
    assert_eq!(listed(&server.url, "lib"), std::slice::from_ref(&file.filename));
    let second = wheel("lib", "2.0").build();
    second.write_into(folder.join("team/a"));
    assert_eq!(
        listed(&server.url, "lib"),
        [file.filename.clone(), second.filename.clone()]
    );
    fs::rename(folder.join("team"), folder.join("crew")).unwrap();
    assert_eq!(listed(&server.url, "lib").len(), 2);
    get(&server.url, &format!("/packages/crew/a/{}", file.filename), &[]).expect(200);
    get(&server.url, &format!("/packages/team/a/{}", file.filename), &[]).expect(404);
    fs::remove_dir_all(folder.join("crew")).unwrap();
    assert_eq!(listed(&server.url, "lib"), Vec::<String>::new());
}

#[test]
fn what_changed_while_the_server_was_down_is_noticed_at_the_start() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let first = wheel("lib", "1.0").build();
    let path = first.write_into(&folder);
    wheel("gone", "1.0").build().write_into(&folder);
    let mut server = testbed.serve([&folder]);
    assert_eq!(listed_sha256(&server.url, "lib"), first.sha256());
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let second = wheel("lib", "1.0").padding(10, 1).build();
    fs::write(&path, &second.bytes).unwrap();
    fs::remove_file(folder.join("gone-1.0-py3-none-any.whl")).unwrap();
    sdist("new", "1.0").build().write_into(&folder);
    let server = testbed.serve([&folder]);
    assert_eq!(listed_sha256(&server.url, "lib"), second.sha256());
    assert_eq!(listed(&server.url, "new"), ["new-1.0.tar.gz"]);
    assert_eq!(listed(&server.url, "gone"), Vec::<String>::new());
}

#[test]
fn the_catalog_can_be_lost_or_spoilt() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let file = wheel("lib", "1.0").build();
    file.write_into(&folder);
    for spoil in [
        None,
        Some("this is no database, and long enough to look like a header of one"),
    ] {
        let mut server = testbed.serve([&folder]);
        assert_eq!(listed_sha256(&server.url, "lib"), file.sha256());
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        match spoil {
            None => fs::remove_dir_all(folder.join(".pkgctl")).unwrap(),
            Some(text) => {
                // What was not yet moved from the log beside it would mend the file.
                let _ = fs::remove_file(folder.join(".pkgctl/catalog.db-wal"));
                fs::write(folder.join(".pkgctl/catalog.db"), text.repeat(200)).unwrap();
            }
        }
    }
    let server = testbed.serve([&folder]);
    assert_eq!(listed_sha256(&server.url, "lib"), file.sha256());
    assert!(server.log().contains("damaged"), "{}", server.log());
}

#[test]
fn the_first_of_two_files_with_one_name_is_served() {
    let testbed = Testbed::new();
    let (one, two) = (testbed.path("one"), testbed.path("two"));
    let first = wheel("lib", "1.0").build();
    first.write_into(&one);
    wheel("lib", "1.0").padding(10, 1).build().write_into(&two);
    sdist("lib", "1.0").build().write_into(&two);
    let server = testbed.serve([&one, &two]);
    let page = get(&server.url, "/simple/lib/", &JSON).json();
    assert_eq!(page["files"].as_array().unwrap().len(), 2, "{page}");
    assert!(get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[]).body == first.bytes);
    let warning = "served=lib-1.0-py3-none-any.whl in folder 1 hidden=lib-1.0-py3-none-any.whl in folder 2";
    assert!(server.log().contains(warning), "{}", server.log());
    fs::remove_file(one.join(&first.filename)).unwrap();
    let now = get(&server.url, "/packages/lib-1.0-py3-none-any.whl", &[])
        .expect(200)
        .body;
    assert!(now != first.bytes);
}

#[test]
fn junk_is_not_listed_and_broken_archives_break_nothing() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    wheel("lib", "1.0").build().write_into(&folder);
    for junk in [
        "README.md",
        "lib.txt",
        "lib-1.0.whl",
        ".hidden-1.0.tar.gz",
        "index.html",
        "setup.exe",
    ] {
        testbed.write(&format!("packages/{junk}"), "junk");
    }
    testbed.write("packages/lib-2.0-py3-none-any.whl", "no zip at all");
    testbed.write("packages/lib-3.0.tar.gz", "");
    testbed.write("packages/Foo-1.0-py2.7.egg", "an egg");
    let server = testbed.serve([&folder]);
    assert_eq!(
        listed(&server.url, "lib"),
        [
            "lib-1.0-py3-none-any.whl",
            "lib-2.0-py3-none-any.whl",
            "lib-3.0.tar.gz"
        ]
    );
    assert_eq!(listed(&server.url, "foo"), ["Foo-1.0-py2.7.egg"]);
    assert_eq!(
        get(&server.url, "/packages/Foo-1.0-py2.7.egg", &[])
            .expect(200)
            .text(),
        "an egg"
    );
    let projects = get(&server.url, "/simple/", &JSON).json();
    assert_eq!(projects["projects"].as_array().unwrap().len(), 2, "{projects}");
}

// D11: half of a copy is never listed, and what is rewritten in place is not listed meanwhile.
#[test]
fn a_file_is_listed_when_it_is_whole() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let old = wheel("lib", "1.0").build();
    old.write_into(&folder);
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    let new = wheel("lib", "2.0").padding(300_000, 1).build();
    let path = folder.join(&new.filename);
    let url = format!("/packages/{}", new.filename);
    let mut copy = fs::File::create(&path).unwrap();
    assert_eq!(
        listed(&server.url, "lib"),
        [old.filename.as_str()],
        "only created"
    );
    for piece in new.bytes.chunks(100_000) {
        copy.write_all(piece).unwrap();
        assert_eq!(listed(&server.url, "lib"), [old.filename.as_str()], "half a copy");
        get(&server.url, &url, &[]).expect(404);
    }
    drop(copy);
    assert_eq!(
        listed(&server.url, "lib"),
        [old.filename.clone(), new.filename.clone()]
    );
    assert!(get(&server.url, &url, &[]).body == new.bytes);

    let other = wheel("lib", "2.0").padding(300_000, 2).build();
    let mut rewriting = fs::OpenOptions::new().write(true).open(&path).unwrap();
    rewriting.write_all(&other.bytes[..1000]).unwrap();
    assert_eq!(
        listed(&server.url, "lib"),
        [old.filename.as_str()],
        "half rewritten"
    );
    let refused = get(&server.url, &url, &[]).expect(503);
    assert_ne!(refused.header("retry-after"), "");
    rewriting.write_all(&other.bytes[1000..]).unwrap();
    rewriting.set_len(other.bytes.len() as u64).unwrap();
    drop(rewriting);
    assert!(
        get(&server.url, "/simple/lib/", &JSON)
            .text()
            .contains(&other.sha256())
    );
    assert!(get(&server.url, &url, &[]).body == other.bytes);
}

// D10
#[test]
fn a_second_server_on_the_folder_says_so_and_both_are_right() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let open = ["-P", ".", "-a", "."].map(std::ffi::OsStr::new);
    let arguments = || open.into_iter().chain([folder.as_os_str()]);
    let mut first = testbed.serve(arguments());
    let second = testbed.serve(arguments());
    assert!(!first.log().contains("another pkgctl"), "{}", first.log());
    let told = format!("process=\"{}\"", first.id());
    assert!(
        second.log().contains("another pkgctl serves this folder already") && second.log().contains(&told),
        "{}",
        second.log()
    );
    for round in 0..10 {
        let (taker, other) = if round % 2 == 0 {
            (&first, &second)
        } else {
            (&second, &first)
        };
        let file = wheel("lib", &format!("1.{round}")).build();
        upload(&taker.url, &file).expect(200);
        for server in [taker, other] {
            assert_eq!(listed(&server.url, "lib").len(), round + 1);
            let path = format!("/packages/{}", file.filename);
            assert!(get(&server.url, &path, &[]).body == file.bytes, "round {round}");
        }
    }
    first.signal("TERM");
    assert_eq!(first.wait(), Some(0));
    let third = testbed.serve(arguments());
    assert_eq!(listed(&third.url, "lib").len(), 10);
}

// D11, D13: whatever lies in the folder, nothing fails.
#[test]
fn odd_names_and_links_break_nothing() {
    use std::os::unix::ffi::OsStrExt as _;
    let testbed = Testbed::new();
    let (folder, outside) = (testbed.path("packages"), testbed.path("outside"));
    fs::create_dir_all(&folder).unwrap();
    let linked = wheel("linked", "1.0").build();
    let target = linked.write_into(&outside);
    let server = testbed.serve(["--disable-fallback".as_ref(), folder.as_os_str()]);
    let odd: [&[u8]; 6] = [
        b"\xff\xfe-1.0.tar.gz",
        b"new\nline-1.0.tar.gz",
        b"back\\slash-1.0.tar.gz",
        b"tab\t-1.0.tar.gz",
        "käse-1.0.tar.gz".as_bytes(),
        b"-1.0.tar.gz",
    ];
    for (number, name) in odd.into_iter().enumerate() {
        fs::write(folder.join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
        sdist("lib", &format!("1.{number}")).build().write_into(&folder);
        assert_eq!(listed(&server.url, "lib").len(), number + 1, "{name:?}");
        get(&server.url, "/simple/", &[]).expect(200);
    }
    let long = format!("long-1.0{}.tar.gz", "0".repeat(240));
    assert_eq!(long.len(), 255);
    fs::write(folder.join(&long), "x").unwrap();
    get(&server.url, "/simple/long/", &JSON).expect(200);
    get(&server.url, &format!("/packages/{long}"), &[]).expect(200);
    let deep = folder.join(vec!["d"; 60].join("/"));
    let deepest = wheel("deep", "1.0").build();
    deepest.write_into(&deep);
    assert_eq!(
        listed(&server.url, "deep"),
        std::slice::from_ref(&deepest.filename)
    );
    let path = format!("/packages/{}/{}", vec!["d"; 60].join("/"), deepest.filename);
    assert!(get(&server.url, &path, &[]).body == deepest.bytes);
    fs::create_dir(folder.join("dir-1.0.tar.gz")).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("folder")).unwrap();
    std::os::unix::fs::symlink(&target, folder.join(&linked.filename)).unwrap();
    std::os::unix::fs::symlink("gone", folder.join("gone-1.0.tar.gz")).unwrap();
    assert_eq!(
        listed(&server.url, "linked"),
        std::slice::from_ref(&linked.filename)
    );
    get(&server.url, "/simple/gone/", &JSON).expect(404);
    get(&server.url, &format!("/packages/folder/{}", linked.filename), &[]).expect(404);
    let other = wheel("linked", "1.0").padding(10, 1).build();
    fs::write(&target, &other.bytes).unwrap();
    assert_eq!(
        listed_sha256(&server.url, "linked"),
        other.sha256(),
        "changed where the link leads"
    );
    assert!(get(&server.url, &format!("/packages/{}", linked.filename), &[]).body == other.bytes);
}

// Nothing is written beside the distributions but uploads, readable as any new file is.
#[test]
fn nothing_else_is_ever_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let testbed = Testbed::new();
    let (one, two) = (testbed.path("one"), testbed.path("two"));
    sdist("first", "1.0").build().write_into(&one);
    sdist("second", "1.0").build().write_into(&two);
    let mut server = testbed.serve([
        "-P".as_ref(),
        ".".as_ref(),
        "-a".as_ref(),
        ".".as_ref(),
        one.as_os_str(),
        two.as_os_str(),
    ]);
    let stored = wheel("lib", "1.0").build();
    upload(&server.url, &stored).expect(200);
    let refused = wheel("lib", "1.0").padding(5, 5).build();
    upload(&server.url, &refused).expect(409);
    for project in ["first", "second", "lib"] {
        assert_eq!(listed(&server.url, project).len(), 1);
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    let listing = |folder: &std::path::Path| {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = names
            .map(|name| name.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(listing(&one), [".pkgctl", "first-1.0.tar.gz", &stored.filename]);
    assert_eq!(listing(&two), ["second-1.0.tar.gz"]);
    assert_eq!(listing(&one.join(".pkgctl/incoming")), [""; 0]);
    let probe = testbed.write("probe", "");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&one.join(&stored.filename)), mode(&probe) & 0o644);
    assert_eq!(mode(&one.join(".pkgctl")), 0o700);
}

// G10: a name that is about to be here must not be looked for on the public index.
#[test]
fn a_project_whose_first_file_is_being_copied_is_not_looked_for_elsewhere() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    fs::create_dir_all(&folder).unwrap();
    let server = testbed.serve([folder.as_os_str()]);
    let file = wheel("corp-secret", "1.0").build();
    get(&server.url, "/simple/corp-secret/", &[]).expect(303);
    let mut copy = fs::File::create(folder.join(&file.filename)).unwrap();
    copy.write_all(&file.bytes[..100]).unwrap();
    let arriving = get(&server.url, "/simple/corp-secret/", &[]).expect(503);
    assert_ne!(arriving.header("retry-after"), "");
    get(&server.url, "/simple/another/", &[]).expect(303);
    copy.write_all(&file.bytes[100..]).unwrap();
    drop(copy);
    assert_eq!(listed(&server.url, "corp-secret"), [file.filename]);
}

#[test]
fn a_copy_in_some_folder_does_not_take_the_place_of_the_file_above_it() {
    let testbed = Testbed::new();
    let folder = testbed.path("packages");
    let file = wheel("shadow", "1.0").build();
    file.write_into(&folder);
    let server = testbed.serve([folder.as_os_str()]);
    let mut other = wheel("shadow", "1.0").description("other bytes").build();
    other.filename.clone_from(&file.filename);
    other.write_into(folder.join("a"));
    let page = get(&server.url, "/simple/shadow/", &JSON).json();
    let listed = &page["files"][0];
    assert_eq!(listed["hashes"]["sha256"], file.sha256());
    assert!(get(&server.url, &format!("/packages/{}", file.filename), &[]).body == file.bytes);
}
