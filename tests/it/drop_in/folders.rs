//! What both servers are given: a folder as years of use leave it.

use std::fs;

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
