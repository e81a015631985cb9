//! The clients that teams use today, in pinned versions, against the real server.
//!
//! No test needs a network once the tools are set up: the server under test is the only index that a client is told.

mod installs; // what each installer takes, and what it leaves
mod pages; // what installers learn before they fetch a file
mod passwords; // where clients find them, and what they hear without
mod round_trips; // what one client uploads, the next one gets
mod uploads; // what each uploader gets in

use std::path::PathBuf;
use std::process::Command;

use crate::support::Outcome;
use crate::support::distributions::Distribution;
use crate::support::index::{Index, PASSWORD, USER, sha256_of};
use crate::support::tools::Tool;

fn twine_upload(twine: &Tool, index: &Index, files: &[PathBuf]) -> Command {
    let mut command = twine.command(&index.testbed);
    command
        .args([
            "upload",
            "--non-interactive",
            "--disable-progress-bar",
            "--repository-url",
        ])
        .arg(index.upload_url())
        .args(files)
        .env("TWINE_USERNAME", USER)
        .env("TWINE_PASSWORD", PASSWORD);
    command
}

fn uv_publish(uv: &Tool, index: &Index, files: &[PathBuf]) -> Command {
    let mut command = uv.command(&index.testbed);
    command
        .args(["publish", "--trusted-publishing", "never", "--publish-url"])
        .arg(index.upload_url())
        .args(files)
        .env("UV_PUBLISH_USERNAME", USER)
        .env("UV_PUBLISH_PASSWORD", PASSWORD);
    command
}

/// `pip download` into `got/`.
fn pip_download(pip: &Tool, index: &Index, index_url: &str, requirement: &str) -> Command {
    let mut command = pip.command(&index.testbed);
    command
        .args([
            "download",
            "--no-cache-dir",
            "--no-deps",
            "--dest",
            "got",
            "--index-url",
            index_url,
        ])
        .arg(requirement);
    command
}

/// `uv pip install` of `requirement`, checked against the digest, into `installed/`.
fn uv_install(
    uv: &Tool,
    index: &Index,
    index_url: &str,
    requirement: &str,
    distribution: &Distribution,
) -> Command {
    let line = format!("{requirement} --hash=sha256:{}\n", distribution.sha256());
    index.testbed.write("requirements.txt", line);
    let mut command = uv.command(&index.testbed);
    command
        .args([
            "pip",
            "install",
            "--no-config",
            "--no-deps",
            "--target",
            "installed",
            "--require-hashes",
        ])
        .args(["--requirements", "requirements.txt", "--default-index", index_url]);
    command
}

#[track_caller]
fn succeed(command: &mut Command) -> Outcome {
    Outcome::of(command).expect_code(0)
}

/// Runs a command that must fail in an orderly way, and gives all it said.
#[track_caller]
fn fail(command: &mut Command) -> String {
    let outcome = Outcome::of(command);
    let said = format!("{}\n{}", outcome.stdout, outcome.stderr);
    assert!(outcome.code.is_some_and(|code| code != 0), "it succeeded: {said}");
    assert!(!said.contains("Traceback (most recent call last)"), "{said}");
    said
}

#[track_caller]
fn assert_downloaded(index: &Index, distribution: &Distribution) {
    let path = index.testbed.path("got").join(&distribution.filename);
    assert_eq!(sha256_of(&path), distribution.sha256(), "{}", path.display());
}

/// Asks the installed package itself.
#[track_caller]
fn assert_imports(tool: &Tool, index: &Index, module: &str, version: &str) {
    let mut python = tool.python(&index.testbed);
    python.env("PYTHONPATH", index.testbed.path("installed")).args([
        "-c",
        &format!("import {module}; print({module}.__version__, {module}.__file__)"),
    ]);
    let outcome = succeed(&mut python);
    assert!(
        outcome.stdout.starts_with(&format!("{version} ")),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.contains("/installed/"), "{}", outcome.stdout);
}
