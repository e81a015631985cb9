//! What each installer takes from the index, and what it leaves: newer Pythons' files, yanked ones, wrong digests.

use std::fs;
use std::process::Command;

use super::{assert_downloaded, assert_imports, fail, pip_download, succeed};
use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::index::{Index, OPEN};
use crate::support::tools::{self, Tool};

/// Version 1.0 for any Python; 2.0 for one that isn't there yet.
fn with_a_version_for_later() -> (Index, Distribution) {
    let index = Index::open();
    let now = wheel("my-lib", "1.0").requires_python(">=3.6").build();
    index.copy_in(&now);
    index.copy_in(&wheel("my-lib", "2.0").requires_python(">=3.99").build());
    (index, now)
}

/// Every version that `pip download` brings without being told which.
fn downloaded(index: &Index) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(index.testbed.path("got"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn old_pip_download(pip: &Tool, index: &Index, index_url: &str, requirement: &str) -> Command {
    let mut command = pip_download(pip, index, index_url, requirement);
    command.args(["--trusted-host", "127.0.0.1"]);
    command
}

#[test]
fn pip_of_both_times_downloads_wheels_and_sdists() {
    let (Ok(old), Ok(new)) = (tools::old_pip(), tools::pip()) else {
        return;
    };
    for pip in [old, new] {
        for index in [Index::guarded(), Index::open()] {
            let files = [
                wheel("My.Lib", "1.0").build(),
                wheel("My.Lib", "1.1+corp.1").build(),
                sdist("My.Lib", "0.9").build(),
            ];
            for file in &files {
                index.copy_in(file);
            }
            let url = index.simple_url_of_alice();
            for (requirement, file) in [("my-lib==1.0", &files[0]), ("My_Lib", &files[1])] {
                succeed(&mut old_pip_download(&pip, &index, &url, requirement));
                assert_downloaded(&index, file);
            }
            // Whoever wants to build it needs more than an index; the file itself comes as it is.
            let got = index.get("/packages/my_lib-0.9.tar.gz", &[]);
            assert!(got.status == 401 || got.body == files[2].bytes);
        }
    }
}

#[test]
fn old_pip_is_refused_without_a_password_and_finds_it_in_netrc() {
    let Ok(pip) = tools::old_pip() else { return };
    let index = Index::guarded();
    let file = wheel("my-lib", "1.0").build();
    index.copy_in(&file);
    let url = index.simple_url();
    fail(&mut old_pip_download(&pip, &index, &url, "my-lib"));
    let line = format!("bob:{}\n", bcrypt::hash("plain", 4).unwrap());
    index.testbed.write("passwords", line);
    index
        .testbed
        .write(".netrc", "machine 127.0.0.1 login bob password plain\n");
    succeed(&mut old_pip_download(&pip, &index, &url, "my-lib"));
    assert_downloaded(&index, &file);
}

#[test]
fn files_for_newer_pythons_are_left_by_pip_and_uv() {
    let (Ok(old), Ok(new), Ok(uv)) = (tools::old_pip(), tools::pip(), tools::uv()) else {
        return;
    };
    for pip in [old, new] {
        let (index, now) = with_a_version_for_later();
        succeed(&mut old_pip_download(&pip, &index, &index.simple_url(), "my-lib"));
        assert_eq!(downloaded(&index), [now.filename]);
    }
    let (index, _) = with_a_version_for_later();
    let mut install = uv.command(&index.testbed);
    install.args([
        "pip",
        "install",
        "--no-config",
        "--target",
        "installed",
        "--default-index",
    ]);
    succeed(install.arg(index.simple_url()).arg("my-lib"));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

#[test]
fn yanked_files_are_left_unless_they_are_asked_for_by_version() {
    let (Ok(pip), Ok(uv)) = (tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::open();
    let files = [wheel("my-lib", "1.0").build(), wheel("my-lib", "2.0").build()];
    for file in &files {
        index.copy_in(file);
    }
    index.page("my-lib");
    let index = index.with_catalog(
        &OPEN,
        "UPDATE files SET yank_reason = 'bad' WHERE filename LIKE '%2.0%'",
    );
    let url = index.simple_url();
    for (requirement, file) in [("my-lib", &files[0]), ("my-lib==2.0", &files[1])] {
        succeed(&mut pip_download(&pip, &index, &url, requirement));
        assert_eq!(downloaded(&index), std::slice::from_ref(&file.filename));
        fs::remove_dir_all(index.testbed.path("got")).unwrap();
        let mut install = uv.command(&index.testbed);
        install.args([
            "pip",
            "install",
            "--no-config",
            "--target",
            "installed",
            "--default-index",
            &url,
            requirement,
        ]);
        let outcome = succeed(&mut install);
        let is_yanked = outcome.stderr.contains("yanked");
        assert_eq!(is_yanked, requirement.contains("=="), "{}", outcome.stderr);
    }
}

#[test]
fn hashes_are_locked_by_uv_and_required_by_pip_and_uv() {
    let (Ok(pip), Ok(uv)) = (tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::open();
    let application = wheel("my-app", "1.0").requires("my-lib>=1").build();
    let files = [wheel("my-lib", "1.5").build(), sdist("my-lib", "1.5").build()];
    index.copy_in(&application);
    for file in &files {
        index.copy_in(file);
    }
    let url = index.simple_url();
    index.testbed.write("requirements.in", "my-app\n");
    let mut compile = uv.command(&index.testbed);
    compile.args([
        "pip",
        "compile",
        "--no-config",
        "--generate-hashes",
        "--default-index",
        &url,
    ]);
    succeed(compile.args(["--output-file", "requirements.txt", "requirements.in"]));
    let locked = index.testbed.read("requirements.txt");
    for file in files.iter().chain([&application]) {
        assert!(
            locked.contains(&format!("--hash=sha256:{}", file.sha256())),
            "{locked}"
        );
    }

    let install = |tool: &Tool, verb: &[&str], index_flag: &str| {
        let mut command = tool.command(&index.testbed);
        command.args(verb).args([
            "install",
            "--target",
            "installed",
            "--require-hashes",
            index_flag,
            &url,
        ]);
        command.args(["--requirement", "requirements.txt"]);
        command
    };
    let by_pip = || install(&pip, &[], "--index-url");
    let by_uv = || install(&uv, &["pip"], "--default-index");
    succeed(&mut by_pip());
    assert_imports(&pip, &index, "my_lib", "1.5");
    fs::remove_dir_all(index.testbed.path("installed")).unwrap();
    succeed(&mut by_uv());
    assert_imports(&uv, &index, "my_lib", "1.5");
    fs::remove_file(index.stored(&files[1].filename)).unwrap();
    // Somebody put another file in its place: nobody who has locked it takes that.
    index.copy_in(&wheel("my-lib", "1.5").padding(10, 1).build());
    fs::remove_dir_all(index.testbed.path("installed")).unwrap();
    let said = fail(by_pip().arg("--no-cache-dir"));
    assert!(said.to_lowercase().contains("hash"), "{said}");
    let said = fail(by_uv().arg("--no-cache"));
    assert!(said.to_lowercase().contains("hash"), "{said}");
}

/// A project whose only index is this one, under pdm's and poetry's own names for it.
fn project(index: &Index, url: &str, python: &str) {
    index.testbed.write(
        "project/pyproject.toml",
        format!(
            "[project]\nname = \"app\"\nversion = \"1.0\"\nrequires-python = \"{python}\"\ndependencies = []\n\n\
             [[tool.poetry.source]]\nname = \"internal\"\nurl = \"{url}\"\npriority = \"primary\"\n\n\
             [tool.poetry]\npackage-mode = false\n\n\
             [[tool.pdm.source]]\nname = \"pypi\"\nurl = \"{url}\"\nverify_ssl = false\n\n\
             [tool.pdm]\ndistribution = false\n",
        ),
    );
}

/// `add` of poetry and pdm, each from an index with and one without a password: the version for this
/// Python is locked with its digest, and installed.
fn adds(tool: &Tool, requirement: &str, configure: impl Fn(&mut Command), lock_file: &str) {
    for index in [Index::guarded(), Index::open()] {
        let now = wheel("my-lib", "1.0").requires_python(">=3.6").build();
        index.copy_in(&now);
        index.copy_in(&wheel("my-lib", "2.0").requires_python(">=3.99").build());
        project(&index, &index.simple_url_of_alice(), ">=3.8,<3.99");
        let mut add = tool.command(&index.testbed);
        configure(&mut add);
        succeed(
            add.args(["add", requirement])
                .current_dir(index.testbed.path("project")),
        );
        let lock = index.testbed.read(&format!("project/{lock_file}"));
        assert!(
            lock.contains("version = \"1.0\"") && lock.contains(&now.sha256()),
            "{lock}"
        );
        let mut python = index
            .testbed
            .program(index.testbed.path("project/.venv/bin/python"));
        let outcome = succeed(python.args(["-c", "import my_lib; print(my_lib.__version__)"]));
        assert_eq!(outcome.stdout, "1.0\n");
    }
}

#[test]
fn poetry_adds() {
    let Ok(poetry) = tools::poetry() else { return };
    let configure = |command: &mut Command| {
        command
            .env("POETRY_VIRTUALENVS_IN_PROJECT", "true")
            .arg("--no-interaction");
    };
    // Without a bound it takes the newest version, and then finds that it won't do.
    adds(&poetry, "my-lib>=1", configure, "poetry.lock");
}

#[test]
fn pdm_adds() {
    let Ok(pdm) = tools::pdm() else { return };
    let interpreter = pdm.interpreter();
    let configure = |command: &mut Command| {
        command
            .env("PDM_CHECK_UPDATE", "0")
            .env("PDM_IGNORE_SAVED_PYTHON", "1");
        command.env("PDM_PYTHON", &interpreter);
    };
    adds(&pdm, "my-lib", configure, "pdm.lock");
}

#[test]
fn uv_adds_and_locks_what_the_index_tells() {
    let Ok(uv) = tools::uv() else { return };
    let (index, now) = with_a_version_for_later();
    project(&index, &index.simple_url(), ">=3.8,<3.99");
    let mut add = uv.command(&index.testbed);
    add.current_dir(index.testbed.path("project"));
    succeed(add.args(["add", "--default-index", &index.simple_url(), "my-lib"]));
    let lock = index.testbed.read("project/uv.lock");
    let size = format!("size = {}", now.bytes.len());
    for told in [
        now.sha256().as_str(),
        "version = \"1.0\"",
        &size,
        "upload-time = ",
    ] {
        assert!(lock.contains(told), "{told} is not in {lock}");
    }
}
