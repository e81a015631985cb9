//! There and back: what one client uploads, the next one gets, byte for byte.

use std::fs;
use std::path::PathBuf;

use super::{
    assert_downloaded, assert_imports, fail, pip_download, succeed, twine_upload, uv_install, uv_publish,
};
use crate::support::distributions::{sdist, wheel};
use crate::support::index::{Index, PASSWORD, PASSWORD_IN_URL, USER, sha256_of, with_credentials};
use crate::support::pypiserver::Pypiserver;
use crate::support::tools;
use crate::support::{Outcome, Testbed};

#[test]
fn twine_uploads_and_pip_downloads_and_installs_with_a_password() {
    let (Ok(twine), Ok(pip)) = (tools::twine(), tools::pip()) else {
        return;
    };
    let index = Index::guarded();
    let distributions = [wheel("My.Lib", "1.0").build(), sdist("My.Lib", "1.0").build()];
    let files: Vec<PathBuf> = distributions.iter().map(|one| index.in_dist(one)).collect();
    succeed(&mut twine_upload(&twine, &index, &files));
    for distribution in &distributions {
        index.assert_stored(distribution);
    }

    let url = index.simple_url_of_alice();
    succeed(&mut pip_download(&pip, &index, &url, "my-lib"));
    assert_downloaded(&index, &distributions[0]);
    let mut install = pip.command(&index.testbed);
    install.args([
        "install",
        "--no-deps",
        "--target",
        "installed",
        "--index-url",
        &url,
        "my-lib==1.0",
    ]);
    succeed(&mut install);
    assert_imports(&pip, &index, "my_lib", "1.0");
}

#[test]
fn twine_uploads_and_pip_downloads_without_a_password() {
    let (Ok(twine), Ok(pip)) = (tools::twine(), tools::pip()) else {
        return;
    };
    let index = Index::open();
    let distribution = wheel("my-lib", "1.0").build();
    let files = [index.in_dist(&distribution)];
    // Empty credentials are twine's way to send none.
    let mut upload = twine_upload(&twine, &index, &files);
    succeed(upload.env("TWINE_USERNAME", "").env("TWINE_PASSWORD", ""));
    index.assert_stored(&distribution);
    succeed(&mut pip_download(&pip, &index, &index.simple_url(), "my-lib"));
    assert_downloaded(&index, &distribution);
}

#[test]
fn uv_publishes_and_installs_with_a_password() {
    let Ok(uv) = tools::uv() else { return };
    let index = Index::guarded();
    let distributions = [wheel("My.Lib", "1.0").build(), sdist("My.Lib", "1.0").build()];
    let files: Vec<PathBuf> = distributions.iter().map(|one| index.in_dist(one)).collect();
    succeed(&mut uv_publish(&uv, &index, &files));
    for distribution in &distributions {
        index.assert_stored(distribution);
    }
    let url = index.simple_url_of_alice();
    succeed(&mut uv_install(
        &uv,
        &index,
        &url,
        "my-lib==1.0",
        &distributions[0],
    ));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

#[test]
fn uv_publishes_and_installs_without_a_password() {
    let Ok(uv) = tools::uv() else { return };
    let index = Index::open();
    let distribution = wheel("my-lib", "1.0").build();
    let files = [index.in_dist(&distribution)];
    // uv sends nothing without credentials; where anybody may upload, any will do.
    let mut publish = uv_publish(&uv, &index, &files);
    succeed(
        publish
            .env("UV_PUBLISH_USERNAME", "anybody")
            .env("UV_PUBLISH_PASSWORD", "anything"),
    );
    index.assert_stored(&distribution);
    succeed(&mut uv_install(
        &uv,
        &index,
        &index.simple_url(),
        "my-lib==1.0",
        &distribution,
    ));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

#[test]
fn poetry_publishes_what_pip_and_uv_take() {
    let (Ok(poetry), Ok(pip), Ok(uv)) = (tools::poetry(), tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::guarded();
    let distributions = [wheel("my-lib", "1.0").build(), sdist("my-lib", "1.0").build()];
    for distribution in &distributions {
        distribution.write_into(index.testbed.path("project/dist"));
    }
    index.testbed.write(
        "project/pyproject.toml",
        "[project]\nname = \"my-lib\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\n\n\
         [build-system]\nrequires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n",
    );
    let run = |arguments: &[&str]| {
        let mut command = poetry.command(&index.testbed);
        succeed(command.current_dir(index.testbed.path("project")).args(arguments));
    };
    run(&["config", "repositories.internal", &index.upload_url()]);
    run(&["config", "http-basic.internal", USER, PASSWORD]);
    run(&["publish", "--no-interaction", "--repository", "internal"]);
    for distribution in &distributions {
        index.assert_stored(distribution);
    }
    let url = index.simple_url_of_alice();
    succeed(&mut pip_download(&pip, &index, &url, "my-lib"));
    assert_downloaded(&index, &distributions[0]);
    succeed(&mut uv_install(
        &uv,
        &index,
        &url,
        "my-lib==1.0",
        &distributions[0],
    ));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

/// The index serves the build backend as well: an installer that knows no other index builds from it.
#[test]
fn pip_and_uv_build_an_sdist_from_this_index_alone() {
    let (Ok(pip), Ok(uv), Ok(wheelhouse)) = (tools::pip(), tools::uv(), tools::wheelhouse()) else {
        return;
    };
    let index = Index::open();
    for wheel in fs::read_dir(wheelhouse).unwrap() {
        let wheel = wheel.unwrap();
        fs::copy(
            wheel.path(),
            index.testbed.path("packages").join(wheel.file_name()),
        )
        .unwrap();
    }
    let distribution = sdist("my-lib", "1.0").build();
    index.copy_in(&distribution);
    let url = index.simple_url();
    let mut install = pip.command(&index.testbed);
    install.args([
        "install",
        "--no-deps",
        "--target",
        "installed",
        "--index-url",
        &url,
        "my-lib",
    ]);
    succeed(&mut install);
    assert_imports(&pip, &index, "my_lib", "1.0");
    fs::remove_dir_all(index.testbed.path("installed")).unwrap();
    succeed(&mut uv_install(&uv, &index, &url, "my-lib==1.0", &distribution));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

#[test]
fn a_wheel_of_100_mb_travels_whole() {
    let (Ok(pip), Ok(uv), Ok(twine)) = (tools::pip(), tools::uv(), tools::twine()) else {
        return;
    };
    let index = Index::guarded();
    let url = index.simple_url_of_alice();
    for (version, seed) in [("1.0", 1), ("2.0", 2)] {
        let distribution = wheel("big-lib", version).padding(100_000_000, seed).build();
        let files = [index.in_dist(&distribution)];
        match version {
            "1.0" => succeed(&mut twine_upload(&twine, &index, &files)),
            _ => succeed(&mut uv_publish(&uv, &index, &files)),
        };
        index.assert_stored(&distribution);
        succeed(&mut pip_download(
            &pip,
            &index,
            &url,
            &format!("big-lib=={version}"),
        ));
        assert_downloaded(&index, &distribution);
        for folder in ["dist", "got"] {
            fs::remove_dir_all(index.testbed.path(folder)).unwrap();
        }
    }
}

#[test]
fn the_same_file_again_is_success_and_another_is_not() {
    let (Ok(uv), Ok(twine)) = (tools::uv(), tools::twine()) else {
        return;
    };
    let index = Index::guarded();
    let distribution = wheel("my-lib", "1.0").build();
    let files = [index.in_dist(&distribution)];
    for _ in 0..2 {
        succeed(&mut twine_upload(&twine, &index, &files));
        succeed(&mut uv_publish(&uv, &index, &files));
    }

    let other = wheel("my-lib", "1.0")
        .file("my_lib/changed.py", "x = 1\n")
        .build();
    assert_eq!(other.filename, distribution.filename);
    let files = [index.in_dist(&other)];
    let said = fail(&mut twine_upload(&twine, &index, &files));
    assert!(said.contains("already exists"), "{said}");
    let said = fail(&mut uv_publish(&uv, &index, &files));
    assert!(said.contains("already exists"), "{said}");
    index.assert_stored(&distribution);

    // uv compares with what the index lists before it sends anything.
    let mut publish = uv_publish(&uv, &index, &[index.in_dist(&distribution)]);
    let outcome = succeed(publish.args(["--check-url", &index.simple_url_of_alice()]));
    assert!(
        outcome.stderr.contains("already exists, skipping"),
        "{}",
        outcome.stderr
    );
}

/// The way out of the house: what we publish, and the passwords we write, work with the server that we replace.
#[test]
fn pkgctl_publishes_to_a_real_pypiserver() {
    let (Ok(pypiserver), Ok(pip)) = (tools::pypiserver(), tools::pip()) else {
        return;
    };
    let testbed = Testbed::new();
    fs::create_dir(testbed.path("packages")).unwrap();
    let mut adduser = testbed.pkgctl(["adduser", USER, "--file", "passwords"]);
    succeed(adduser.env("PKGCTL_PASSWORD", PASSWORD));
    let arguments = ["-P", "passwords", "-a", "update,download,list", "packages"];
    let server = Pypiserver::start(&pypiserver, &testbed, &arguments);

    let distributions = [wheel("My.Lib", "1.0").build(), sdist("My.Lib", "1.0").build()];
    for distribution in &distributions {
        distribution.write_into(testbed.path("dist"));
    }
    let publish = |password: &str| {
        let mut publish = testbed.pkgctl([
            "publish",
            "--repository-url",
            &server.url,
            "--username",
            USER,
            "dist",
        ]);
        publish.env("PKGCTL_PASSWORD", password);
        publish
    };
    let refused = Outcome::of(&mut publish("wrong")).expect_code(1);
    assert!(
        refused.stderr.contains("error: ") && refused.stderr.contains("403"),
        "{}",
        refused.stderr
    );
    succeed(&mut publish(PASSWORD));
    for distribution in &distributions {
        let stored = testbed.path("packages").join(&distribution.filename);
        assert_eq!(sha256_of(&stored), distribution.sha256());
    }
    let url = with_credentials(
        &format!("{}/simple/", server.url),
        &format!("{USER}:{PASSWORD_IN_URL}"),
    );
    let mut download = pip.command(&testbed);
    download.args([
        "download",
        "--no-deps",
        "--dest",
        "got",
        "--index-url",
        &url,
        "my-lib",
    ]);
    succeed(&mut download);
    let got = testbed.path("got").join(&distributions[0].filename);
    assert_eq!(sha256_of(&got), distributions[0].sha256());
}
