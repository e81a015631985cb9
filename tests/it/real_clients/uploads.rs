//! Every uploader of the field gets its files in, with a password and where none is asked for.

use std::path::PathBuf;
use std::process::Command;

use super::{fail, succeed, twine_upload, uv_publish};
use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::index::{Index, PASSWORD, USER};
use crate::support::tools;

/// One index that asks everybody, one that asks nobody.
fn guarded_and_open() -> [Index; 2] {
    [Index::guarded(), Index::open()]
}

/// A wheel and an sdist, in the newest metadata that every uploader knows.
fn distributions() -> [Distribution; 2] {
    [
        wheel("My.Lib", "1.0")
            .requires_python(">=3.6")
            .requires("other ; extra == 'x'")
            .build(),
        sdist("My.Lib", "1.0").requires_python(">=3.6").build(),
    ]
}

fn in_dist(index: &Index, files: &[Distribution]) -> Vec<PathBuf> {
    files.iter().map(|file| index.in_dist(file)).collect()
}

#[track_caller]
fn assert_all_stored(index: &Index, files: &[Distribution]) {
    files.iter().for_each(|file| index.assert_stored(file));
}

#[test]
fn twine_of_both_times_uploads() {
    let (Ok(old), Ok(new)) = (tools::old_twine(), tools::twine()) else {
        return;
    };
    for twine in [old, new] {
        for index in guarded_and_open() {
            let files = distributions();
            let paths = in_dist(&index, &files);
            succeed(&mut twine_upload(&twine, &index, &paths));
            assert_all_stored(&index, &files);
            // A job that runs again is green, and one that brings other bytes is told why not.
            succeed(&mut twine_upload(&twine, &index, &paths));
            let other = wheel("My.Lib", "1.0").padding(10, 1).build();
            let said = fail(&mut twine_upload(&twine, &index, &in_dist(&index, &[other])));
            assert!(said.contains("already exists"), "{said}");
            assert_all_stored(&index, &files);
        }
    }
}

#[test]
fn old_twine_skips_what_is_there_already() {
    let Ok(twine) = tools::old_twine() else { return };
    let index = Index::guarded();
    let files = distributions();
    let paths = in_dist(&index, &files);
    succeed(&mut twine_upload(&twine, &index, &paths));
    let other = wheel("My.Lib", "1.0").padding(10, 1).build();
    let mut upload = twine_upload(&twine, &index, &in_dist(&index, &[other]));
    let outcome = succeed(upload.arg("--skip-existing"));
    assert!(outcome.stdout.contains("Skipping"), "{}", outcome.stdout);
    assert_all_stored(&index, &files);
}

#[test]
fn pdm_uploads() {
    let Ok(pdm) = tools::pdm() else { return };
    for index in guarded_and_open() {
        let files = distributions();
        for file in &files {
            file.write_into(index.testbed.path("project/dist"));
        }
        let project = "[project]\nname = \"my-lib\"\nversion = \"1.0\"\n";
        index.testbed.write("project/pyproject.toml", project);
        let publish = || {
            let mut command = pdm.command(&index.testbed);
            command
                .current_dir(index.testbed.path("project"))
                .args(["publish", "--no-build", "--repository"])
                .arg(index.upload_url())
                .env("PDM_PUBLISH_USERNAME", USER)
                .env("PDM_PUBLISH_PASSWORD", PASSWORD)
                .env("PDM_CHECK_UPDATE", "0");
            command
        };
        succeed(&mut publish());
        assert_all_stored(&index, &files);
        succeed(&mut publish());
    }
}

fn hatch_publish(index: &Index, files: &[PathBuf]) -> Option<Command> {
    let hatch = tools::hatch().ok()?;
    let mut command = hatch.command(&index.testbed);
    command
        .args(["publish", "--no-prompt", "--repo"])
        .arg(index.upload_url())
        .args(files)
        .env("HATCH_INDEX_USER", USER)
        .env("HATCH_INDEX_AUTH", PASSWORD)
        .env("HATCH_INTERACTIVE", "0");
    Some(command)
}

#[test]
fn hatch_uploads() {
    for index in guarded_and_open() {
        let files = distributions();
        let Some(mut publish) = hatch_publish(&index, &in_dist(&index, &files)) else {
            return;
        };
        succeed(&mut publish);
        assert_all_stored(&index, &files);
    }
}

/// It asks an address of its own for what is there; where anybody may read, it says so and sends nothing.
#[test]
fn hatch_finds_out_what_is_there_already() {
    let index = Index::open();
    let files = distributions();
    let paths = in_dist(&index, &files);
    let Some(mut publish) = hatch_publish(&index, &paths) else {
        return;
    };
    succeed(&mut publish);
    let outcome = succeed(&mut hatch_publish(&index, &paths).unwrap());
    let said = outcome.stdout + &outcome.stderr;
    assert_eq!(said.matches("already exists").count(), 2, "{said}");
}

#[test]
fn flit_builds_and_uploads() {
    let Ok(flit) = tools::flit() else { return };
    for index in guarded_and_open() {
        index.testbed.write(
            "project/pyproject.toml",
            "[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n\n\
             [project]\nname = \"my-lib\"\nversion = \"1.0\"\ndescription = \"A library\"\nrequires-python = \">=3.6\"\n",
        );
        index.testbed.write(
            "project/my_lib/__init__.py",
            "\"\"\"A library\"\"\"\n__version__ = '1.0'\n",
        );
        let mut publish = flit.command(&index.testbed);
        publish
            .current_dir(index.testbed.path("project"))
            .args(["publish", "--no-use-vcs"])
            .env("FLIT_INDEX_URL", index.upload_url())
            .env("FLIT_USERNAME", USER)
            .env("FLIT_PASSWORD", PASSWORD);
        succeed(&mut publish);
        for name in ["my_lib-1.0-py3-none-any.whl", "my_lib-1.0.tar.gz"] {
            assert!(index.stored(name).exists(), "{name}");
        }
        if index.get("/simple/", &[]).status == 200 {
            let page = index.page("my-lib");
            assert_eq!(page["files"][0]["requires-python"], ">=3.6", "{page}");
        }
    }
}

/// Each uploader that knows them sends metadata of the newest versions; the form says one thing, the archive counts.
#[test]
fn metadata_of_the_newest_versions_come_from_every_uploader() {
    let (Ok(twine), Ok(uv), Ok(pdm), Ok(poetry)) =
        (tools::twine(), tools::uv(), tools::pdm(), tools::poetry())
    else {
        return;
    };
    for uploader in ["twine", "uv", "pdm", "poetry"] {
        let index = Index::open();
        let name = format!("by-{uploader}");
        let newest = wheel(&name, "1.0")
            .metadata_version("2.6")
            .requires_python(">=3.9")
            .header("Import-Name", "anything")
            .build();
        let recent = sdist(&name, "1.0")
            .metadata_version("2.4")
            .requires_python(">=3.9")
            .header("License-Expression", "MIT")
            .build();
        let files = [newest, recent];
        let project = index.testbed.path("project");
        let paths: Vec<PathBuf> = files
            .iter()
            .map(|file| file.write_into(project.join("dist")))
            .collect();
        index.testbed.write(
            "project/pyproject.toml",
            format!("[project]\nname = \"{name}\"\nversion = \"1.0\"\nrequires-python = \">=2.7\"\n"),
        );
        let url = index.upload_url();
        let mut command = match uploader {
            "twine" => twine_upload(&twine, &index, &paths),
            "uv" => uv_publish(&uv, &index, &paths),
            "pdm" => {
                let mut command = pdm.command(&index.testbed);
                command.args([
                    "publish",
                    "--no-build",
                    "--username",
                    USER,
                    "--password",
                    PASSWORD,
                ]);
                command.args(["--repository", &url]);
                command
            }
            _ => {
                let mut configure = poetry.command(&index.testbed);
                succeed(configure.args(["config", "repositories.internal", &url]));
                let mut command = poetry.command(&index.testbed);
                command.args(["publish", "--no-interaction", "--repository", "internal"]);
                command.args(["--username", USER, "--password", PASSWORD]);
                command
            }
        };
        succeed(command.current_dir(&project));
        assert_all_stored(&index, &files);
        for file in index.page(&name)["files"].as_array().unwrap() {
            assert_eq!(file["requires-python"], ">=3.9", "{uploader}: {file}");
        }
    }
}
