//! Line 7: clients that keep pages see what was uploaded just now.

use std::process::Command;

use crate::support::Outcome;
use crate::support::distributions::wheel;
use crate::support::index::Index;
use crate::support::tools;
use crate::support::upload::upload;

#[test]
fn line_07_pip_sees_an_upload_at_once() {
    let Ok(pip) = tools::pip() else { return };
    // Trusted, so that pip keeps pages although the address is no https.
    sees_uploads_at_once(|index, version| {
        let mut command = pip.command(&index.testbed);
        command.args([
            "download",
            "--no-deps",
            "--dest",
            version,
            "--trusted-host",
            "127.0.0.1",
            "--cache-dir",
            "cache",
        ]);
        command.args(["--index-url", &index.simple_url(), "lib"]);
        command
    });
}

#[test]
fn line_07_uv_sees_an_upload_at_once() {
    let Ok(uv) = tools::uv() else { return };
    sees_uploads_at_once(|index, version| {
        let mut command = uv.command(&index.testbed);
        command.args([
            "pip",
            "install",
            "--no-config",
            "--no-deps",
            "--target",
            version,
            "--cache-dir",
            "cache",
        ]);
        command.args(["--default-index", &index.simple_url(), "lib"]);
        command
    });
}

/// Three versions, each uploaded just before the client fetches the newest into a folder of that name.
fn sees_uploads_at_once(client: impl Fn(&Index, &str) -> Command) {
    let index = Index::open();
    for version in ["1.0", "2.0", "3.0"] {
        upload(&index.server.url, &wheel("lib", version).build()).expect(200);
        Outcome::of(&mut client(&index, version)).expect_code(0);
        let got: Vec<String> = std::fs::read_dir(index.testbed.path(version))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(
            got.iter().any(|name| name.contains(&format!("-{version}"))),
            "{version}: {got:?}"
        );
    }
}
