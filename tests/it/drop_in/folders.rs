//! What both servers are given: a folder as years of use leave it.

use std::fs;
use std::os::unix::fs::symlink;

use crate::support::Testbed;
use crate::support::distributions::{Distribution, sdist, wheel, zip_of};

/// `alice:secret`, as `htpasswd -s` writes it: a scheme that both know and that costs nothing.
const PASSWORDS: &str = "# users\n\nalice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";

/// Writes the file `passwords` with the user alice and her password `secret`.
pub(super) fn write_passwords(home: &Testbed) {
    home.write("passwords", PASSWORDS);
}

/// Nothing at all.
pub(super) fn empty(_home: &Testbed) {}

/// Wheels and sdists of today, flat and nested, with odd versions and spellings; what is hidden, and what is no package.
pub(super) fn of_today(home: &Testbed) {
    let folder = home.path("packages");
    for version in ["1.0", "1.2", "1.10", "2.0rc1"] {
        wheel("alpha", version).build().write_into(&folder);
    }
    sdist("alpha", "1.0").build().write_into(&folder);
    wheel("deep", "1.0")
        .tags("cp39-cp39-manylinux2014_x86_64")
        .build()
        .write_into(folder.join("wheels/linux"));
    let spelt = wheel("Foo_Bar", "1.0").filename("Foo_Bar-1.0-py3-none-any.whl");
    spelt.build().write_into(&folder);
    sdist("foo.bar", "1.1")
        .filename("foo.bar-1.1.tar.gz")
        .build()
        .write_into(folder.join("nested"));
    wheel("local", "1.0+corp.1").build().write_into(&folder);
    wheel("big", "1.0")
        .padding(2 << 20, 1)
        .build()
        .write_into(&folder);
    let plain = "not a package";
    for name in [
        "README.md",
        "index.html",
        "notes.txt",
        "alpha.whl",
        "alpha-1.0.whl.metadata",
        "setup.exe",
    ] {
        home.write(&format!("packages/{name}"), plain);
    }
    for hidden in [".hidden-1.0.tar.gz", ".trash/alpha-3.0-py3-none-any.whl"] {
        home.write(&format!("packages/{hidden}"), plain);
    }
    home.write("packages/.htaccess", PASSWORDS);
}

/// Distributions of the past, and versions of no standard.
pub(super) fn of_the_past(home: &Testbed) {
    for name in [
        "Old_Egg-1.0-py2.7.egg",
        "old-1.0.zip",
        "old-1.1.tar.bz2",
        "old-1.2.tgz",
        "old-1.3.win32-py2.7.exe",
        "old-1.4.win32-py2.7.msi",
        "old-1.5.tar.gz",
        "nested/older-0.1.tar.bz2",
    ] {
        home.write(&format!("packages/{name}"), name);
    }
}

/// Names that years of tools and people have made. Of some nobody can say for sure where the version begins.
pub(super) fn of_odd_names(home: &Testbed) {
    for name in ODD_NAMES {
        home.write(&format!("packages/{name}"), name);
    }
}

const ODD_NAMES: [&str; 13] = [
    "foo-bar-v1.0.tar.gz",
    "pkg.zip",
    "two--dashes-1.0.zip",
    "UPPER-1.0.tar.gz",
    "x_y.z-2.0.tar.gz",
    "beta-1.0b2.tar.gz",
    "snapshot-1.0-snapshot.tar.gz",
    "dev-1.0.dev-r123.tar.gz",
    "plain-1.0.tar.gz.asc",
    "plain-1.0.tar.xz",
    "lib-1.0-py3.9-evil.sh",
    "plain-1.0.tar.xz.txt",
    "wheel-1.0-1-py2.py3-none-any.whl",
];

/// Links to a file of the folder, to one elsewhere, to a folder, and one that leads nowhere.
pub(super) fn with_links(home: &Testbed) {
    let (folder, elsewhere) = (home.path("packages"), home.path("elsewhere"));
    let inside = wheel("inside", "1.0").build().write_into(folder.join("store"));
    fs::rename(&inside, inside.with_file_name("inside-2.0-py3-none-any.whl")).unwrap();
    symlink(
        "store/inside-2.0-py3-none-any.whl",
        folder.join("inside-1.0-py3-none-any.whl"),
    )
    .unwrap();
    let outside = wheel("outside", "1.0").build().write_into(&elsewhere);
    symlink(&outside, folder.join("outside-1.0-py3-none-any.whl")).unwrap();
    wheel("below", "1.0").build().write_into(elsewhere.join("folder"));
    symlink(elsewhere.join("folder"), folder.join("folder")).unwrap();
    symlink(elsewhere.join("gone"), folder.join("gone-1.0.tar.gz")).unwrap();
}

/// A file below another folder, and one in a second root.
pub(super) fn with_files_elsewhere(home: &Testbed) {
    wheel("nested", "1.0")
        .build()
        .write_into(home.path("packages/team/a"));
    wheel("second", "1.0").build().write_into(home.path("more"));
}

/// One project in versions whose order is a matter of the standard.
pub(super) fn of_odd_versions(home: &Testbed) {
    for version in ["1.0", "1.0+corp.1", "1!0.1", "1.1.dev1", "1.1"] {
        sdist("odd", version).build().write_into(home.path("packages"));
    }
}

/// The same file name twice, with other bytes.
pub(super) fn with_a_second_root(home: &Testbed) {
    wheel("twice", "1.0").build().write_into(home.path("packages"));
    wheel("twice", "1.0")
        .padding(64, 1)
        .build()
        .write_into(home.path("more"));
    wheel("second", "1.0").build().write_into(home.path("more"));
}

/// Two files of one release, one of another, and one of another project that begins alike; nested ones too.
pub(super) fn to_be_removed(home: &Testbed) {
    let folder = home.path("packages");
    for project in ["gone", "gone-too"] {
        wheel(project, "1.0").build().write_into(&folder);
        sdist(project, "1.0").build().write_into(folder.join("nested"));
    }
    wheel("gone", "2.0").build().write_into(&folder);
    home.write("packages/signed-1.0.tar.gz", sdist("signed", "1.0").build().bytes);
    home.write("packages/signed-1.0.tar.gz.asc", "a signature");
    fs::create_dir_all(folder.join("empty")).unwrap();
}

/// The bytes of a zip with a page, as `upload_docs` made it.
pub(super) fn documentation() -> Distribution {
    Distribution {
        filename: "docs.zip".to_owned(),
        bytes: zip_of(&[("index.html".to_owned(), b"<h1>Docs</h1>".to_vec())]),
    }
}
