//! What installers learn before they fetch a file: metadata, versions, times, and nothing that is stale.

use std::fs::{self, File, FileTimes};
use std::time::{Duration, SystemTime};

use super::{assert_downloaded, assert_imports, fail, pip_download, succeed, twine_upload, uv_publish};
use crate::support::distributions::{Distribution, wheel};
use crate::support::http;
use crate::support::index::{Index, PASSWORD, USER};
use crate::support::tools;

/// What each version of the standard brought, so that every client has a reason to choke on it.
const METADATA_VERSIONS: [(&str, &[(&str, &str)]); 6] = [
    (
        "2.1",
        &[
            ("Description-Content-Type", "text/markdown"),
            ("Provides-Extra", "fast"),
        ],
    ),
    ("2.2", &[("Dynamic", "Requires-Dist")]),
    ("2.3", &[("Provides-Extra", "fast-path")]),
    (
        "2.4",
        &[("License-Expression", "MIT"), ("License-File", "LICENSE")],
    ),
    ("2.5", &[("Import-Name", "meta"), ("Import-Namespace", "space")]),
    ("2.6", &[("Dynamic", "Provides-Extra"), ("Import-Name", "meta")]),
];

#[test]
fn metadata_of_every_version_arrive_as_they_are() {
    let (Ok(pip), Ok(uv), Ok(twine)) = (tools::pip(), tools::uv(), tools::twine()) else {
        return;
    };
    let index = Index::guarded();
    for (metadata_version, headers) in METADATA_VERSIONS {
        for uploader in ["twine", "uv"] {
            let name = format!("meta-{uploader}-{}", metadata_version.replace('.', "-"));
            let builder = wheel(&name, "1.0")
                .metadata_version(metadata_version)
                .requires_python(">=3.6")
                .requires("other>=1 ; extra == 'fast'")
                .file(
                    &format!("{}-1.0.dist-info/licenses/LICENSE", name.replace('-', "_")),
                    "free",
                );
            let builder = headers
                .iter()
                .fold(builder, |builder, (key, value)| builder.header(key, value));
            let distribution = builder.build();
            let files = [index.in_dist(&distribution)];
            match uploader {
                "twine" => succeed(&mut twine_upload(&twine, &index, &files)),
                _ => succeed(&mut uv_publish(&uv, &index, &files)),
            };
            index.assert_stored(&distribution);
            assert_metadata_file(&index, &distribution, metadata_version);
            succeed(&mut pip_download(
                &pip,
                &index,
                &index.simple_url_of_alice(),
                &name,
            ));
            assert_downloaded(&index, &distribution);
        }
    }
}

/// `.metadata` beside the wheel is the wheel's own METADATA.
#[track_caller]
fn assert_metadata_file(index: &Index, distribution: &Distribution, metadata_version: &str) {
    let basic = data_encoding::BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes());
    let path = format!("/packages/{}.metadata", distribution.filename);
    let reply = http::get(
        &index.server.url,
        &path,
        &[("Authorization", &format!("Basic {basic}"))],
    );
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    let text = reply.text();
    assert!(
        text.starts_with(&format!("Metadata-Version: {metadata_version}\n")),
        "{text}"
    );
    let inside = distribution
        .bytes
        .windows(reply.body.len())
        .any(|window| window == reply.body);
    assert!(
        inside,
        "not the wheel's own bytes (it holds them uncompressed): {text}"
    );
}

#[test]
fn pip_resolves_from_metadata_files_without_fetching_a_wheel() {
    let Ok(pip) = tools::pip() else { return };
    let index = Index::open();
    let application = wheel("my-app", "1.0").requires("my-lib>=1").build();
    let library = wheel("my-lib", "1.5").build();
    index.copy_in(&application);
    index.copy_in(&library);
    let mut resolve = pip.command(&index.testbed);
    resolve
        .args([
            "install",
            "--dry-run",
            "--no-cache-dir",
            "--ignore-installed",
            "--report",
            "report.json",
        ])
        .args(["--index-url", &index.simple_url(), "my-app"]);
    let outcome = succeed(&mut resolve);
    assert!(
        outcome.stdout.contains("Would install my-app-1.0 my-lib-1.5"),
        "{}",
        outcome.stdout
    );
    let report = index.testbed.read("report.json");
    for distribution in [&application, &library] {
        assert!(report.contains(&distribution.sha256()), "{report}");
        index
            .server
            .wait_for_log(&format!("{}.metadata", distribution.filename));
        let fetched = index
            .server
            .log()
            .lines()
            .any(|line| line.replace(".whl.metadata", "").contains(&distribution.filename));
        assert!(!fetched, "a wheel was fetched:\n{}", index.server.log());
    }
}

#[test]
fn pip_lists_the_versions_in_their_order() {
    let Ok(pip) = tools::pip() else { return };
    let index = Index::open();
    for version in ["1.10", "1.9", "2.0rc1", "1!0.1", "1.10.post1"] {
        index.copy_in(&wheel("my-lib", version).build());
    }
    let mut versions = pip.command(&index.testbed);
    versions.args(["index", "versions", "my-lib", "--index-url", &index.simple_url()]);
    let outcome = succeed(&mut versions);
    let wanted = "Available versions: 1!0.1, 1.10.post1, 1.10, 1.9";
    assert!(outcome.stdout.contains(wanted), "{}", outcome.stdout);
}

/// Both ask for the time of each upload; of a file that was copied in that is its own.
#[test]
fn pip_and_uv_can_look_at_the_index_of_an_earlier_day() {
    let (Ok(pip), Ok(uv)) = (tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::open();
    let old = wheel("my-lib", "1.0").build();
    let new = wheel("my-lib", "2.0").build();
    let day = Duration::from_secs(24 * 60 * 60);
    for (distribution, days) in [(&old, 18_000), (&new, 19_000)] {
        let path = index.copy_in(distribution);
        let time = SystemTime::UNIX_EPOCH + days * day;
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
    }
    let url = index.simple_url();
    let mut download = pip_download(&pip, &index, &url, "my-lib");
    succeed(download.args(["--uploaded-prior-to", "2020-06-01T00:00:00Z"]));
    assert_downloaded(&index, &old);
    let mut install = uv.command(&index.testbed);
    install
        .args([
            "pip",
            "install",
            "--no-config",
            "--no-deps",
            "--target",
            "installed",
            "--default-index",
            &url,
        ])
        .args(["--exclude-newer", "2020-06-01T00:00:00Z", "my-lib"]);
    succeed(&mut install);
    assert_imports(&uv, &index, "my_lib", "1.0");
    let mut today = pip_download(&pip, &index, &url, "my-lib");
    succeed(&mut today);
    assert_downloaded(&index, &new);
}

#[test]
fn a_file_copied_in_is_in_the_very_next_answer() {
    let Ok(pip) = tools::pip() else { return };
    let index = Index::open();
    let url = index.simple_url();
    fail(&mut pip_download(&pip, &index, &url, "my-lib"));
    for version in ["1.0", "2.0"] {
        let distribution = wheel("my-lib", version).build();
        let copied = index.copy_in(&distribution);
        succeed(&mut pip_download(&pip, &index, &url, "my-lib"));
        assert_downloaded(&index, &distribution);
        fs::remove_file(copied).unwrap();
        fail(&mut pip_download(&pip, &index, &url, "my-lib"));
    }
}
