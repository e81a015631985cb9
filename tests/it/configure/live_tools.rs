//! Each tool, in an empty home, uses what was written: no flag, variable or file of its own tells it of the index.

use std::fs;
use std::process::Command;

use crate::support::distributions::{Distribution, wheel};
use crate::support::tools::{self, Tool};
use crate::support::{Outcome, Server, Testbed};

const USER: &str = "alice";
const PASSWORD: &str = "pa55:w/rd@%40#";

/// An index that takes alice's password for everything.
struct Index {
    bed: Testbed,
    server: Server,
}

impl Index {
    fn start() -> Self {
        let bed = Testbed::new();
        fs::create_dir(bed.path("packages")).unwrap();
        bed.write(
            "passwords",
            format!("{USER}:{}\n", bcrypt::hash(PASSWORD, 4).unwrap()),
        );
        let server = bed.serve([
            "--disable-fallback",
            "-P",
            "passwords",
            "-a",
            "update,download,list",
            "packages",
        ]);
        Self { bed, server }
    }

    fn set_password(&self, password: &str) {
        let line = format!("{USER}:{}\n", bcrypt::hash(password, 4).unwrap());
        self.bed.write("passwords", line);
    }

    fn configure(&self, flags: &[&str]) -> Outcome {
        let mut command = self
            .bed
            .pkgctl(["configure", "--url", &self.server.url, "-u", USER]);
        command
            .args(flags)
            .arg("--password-stdin")
            .env_remove("PKGCTL_OFFLINE");
        Outcome::with_input(&mut command, PASSWORD).expect_code(0)
    }

    /// The tool with nothing but its own files to go by.
    fn tool(&self, tool: &Tool, arguments: &[&str]) -> Command {
        let mut command = tool.command(&self.bed);
        command.args(arguments).env_remove("PIP_CONFIG_FILE");
        command
    }

    fn project(&self, distribution: &Distribution) {
        self.bed.write(
            "project/pyproject.toml",
            "[project]\nname = \"my-lib\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\n\n\
             [build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n",
        );
        self.bed.write("project/my_lib/__init__.py", "");
        distribution.write_into(self.bed.path("project/dist"));
    }

    #[track_caller]
    fn assert_stored(&self, distribution: &Distribution) {
        assert!(self.bed.path("packages").join(&distribution.filename).exists());
    }
}

#[track_caller]
fn succeed(command: &mut Command) -> Outcome {
    Outcome::of(command).expect_code(0)
}

#[test]
fn twine_uploads_by_the_name() {
    let Ok(twine) = tools::twine() else { return };
    let index = Index::start();
    index.configure(&[]);
    let distribution = wheel("my-lib", "1.0").build();
    let file = distribution.write_into(index.bed.path("dist"));
    let arguments = [
        "upload",
        "--non-interactive",
        "--disable-progress-bar",
        "-r",
        "internal",
    ];
    succeed(index.tool(&twine, &arguments).arg(file));
    index.assert_stored(&distribution);
}

#[test]
fn pip_downloads_from_the_only_index_with_the_login_of_netrc() {
    let Ok(pip) = tools::pip() else { return };
    let index = Index::start();
    let distribution = wheel("my-lib", "1.0").build();
    distribution.write_into(index.bed.path("packages"));
    let outcome = index.configure(&["--index-url", "--netrc"]);
    assert!(
        outcome.stderr.contains("`alice` may upload"),
        "{}",
        outcome.stderr
    );
    let arguments = [
        "download",
        "--no-cache-dir",
        "--no-deps",
        "--dest",
        "got",
        "my-lib",
    ];
    succeed(&mut index.tool(&pip, &arguments));
    assert!(index.bed.path("got").join(&distribution.filename).exists());
}

#[test]
fn pip_downloads_from_one_more_index() {
    let Ok(pip) = tools::pip() else { return };
    let index = Index::start();
    // Stands in for the public one.
    let public = Testbed::new();
    fs::create_dir(public.path("packages")).unwrap();
    let public = public.serve(["--disable-fallback", "-P", ".", "-a", ".", "packages"]);
    let distribution = wheel("my-lib", "1.0").build();
    distribution.write_into(index.bed.path("packages"));
    index.configure(&["--netrc"]);
    let arguments = [
        "download",
        "--no-cache-dir",
        "--no-deps",
        "--dest",
        "got",
        "my-lib",
    ];
    let mut download = index.tool(&pip, &arguments);
    succeed(download.env("PIP_INDEX_URL", format!("{}/simple/", public.url)));
    assert!(index.bed.path("got").join(&distribution.filename).exists());
}

#[test]
fn uv_installs_from_the_index_and_publishes_by_its_name() {
    let Ok(uv) = tools::uv() else { return };
    let index = Index::start();
    let old = wheel("my-lib", "1.0").build();
    old.write_into(index.bed.path("packages"));
    index.configure(&["--index-url", "--uv", "--netrc"]);
    let arguments = [
        "pip",
        "install",
        "--no-cache",
        "--no-deps",
        "--target",
        "installed",
        "my-lib",
    ];
    succeed(&mut index.tool(&uv, &arguments));
    assert!(index.bed.path("installed/my_lib").exists());

    let new = wheel("my-lib", "1.1").build();
    let file = new.write_into(index.bed.path("dist"));
    let arguments = ["publish", "--trusted-publishing", "never", "--index", "internal"];
    succeed(index.tool(&uv, &arguments).arg(file));
    index.assert_stored(&new);
}

/// Quotes, backslashes and the like are read from `.netrc` by all in the same way.
#[test]
fn pip_and_uv_read_any_password_from_netrc() {
    let (Ok(pip), Ok(uv)) = (tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::start();
    wheel("my-lib", "1.0")
        .build()
        .write_into(index.bed.path("packages"));
    for password in ["with space", "quo\"te", "back\\slash", "#hash", "it's", "100%:@/"] {
        index.set_password(password);
        let arguments = [
            "configure",
            "--url",
            &index.server.url,
            "-u",
            USER,
            "--index-url",
            "--uv",
            "--netrc",
            "--password-stdin",
        ];
        index.bed.run_with_input(arguments, password).expect_code(0);
        let arguments = [
            "download",
            "--no-cache-dir",
            "--no-deps",
            "--dest",
            "got",
            "my-lib",
        ];
        succeed(&mut index.tool(&pip, &arguments));
        let arguments = [
            "pip",
            "install",
            "--no-cache",
            "--no-deps",
            "--target",
            "installed",
            "my-lib",
        ];
        succeed(&mut index.tool(&uv, &arguments));
        for folder in ["got", "installed"] {
            fs::remove_dir_all(index.bed.path(folder)).unwrap();
        }
    }
}

#[test]
fn pip_and_uv_find_the_password_in_the_keyring() {
    let (Ok(pip), Ok(uv), Ok(keyring)) = (tools::pip(), tools::uv(), tools::keyring()) else {
        return;
    };
    let index = Index::start();
    wheel("my-lib", "1.0")
        .build()
        .write_into(index.bed.path("packages"));
    let with_keyring = |command: &mut Command| {
        let path = format!("{}:/usr/bin:/bin", keyring.folder().display());
        command
            .env("PATH", path)
            .env("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring");
        succeed(command.env_remove("UV_KEYRING_PROVIDER"))
    };
    let arguments = ["configure", "--url", &index.server.url, "-u", USER, "--keyring"];
    let mut command = index.bed.pkgctl(arguments);
    with_keyring(command.env("PKGCTL_PASSWORD", PASSWORD));
    let simple_url = format!("{}/simple/", index.server.url.replace("://", "://alice@"));
    let arguments = [
        "download",
        "--no-cache-dir",
        "--no-deps",
        "--dest",
        "got",
        "my-lib",
    ];
    let mut download = index.tool(&pip, &arguments);
    with_keyring(download.args(["--keyring-provider", "subprocess", "--index-url", &simple_url]));
    let arguments = [
        "pip",
        "install",
        "--no-cache",
        "--no-deps",
        "--target",
        "installed",
        "my-lib",
    ];
    let mut install = index.tool(&uv, &arguments);
    with_keyring(install.args(["--keyring-provider", "subprocess", "--default-index", &simple_url]));
}

#[test]
fn poetry_publishes_by_the_name() {
    let Ok(poetry) = tools::poetry() else { return };
    let index = Index::start();
    let distribution = wheel("my-lib", "1.0").build();
    index.project(&distribution);
    index.configure(&["--poetry"]);
    let mut publish = index.tool(
        &poetry,
        &["publish", "--no-interaction", "--repository", "internal"],
    );
    succeed(publish.current_dir(index.bed.path("project")));
    index.assert_stored(&distribution);
}

#[test]
fn pdm_publishes_by_the_name_and_resolves_from_the_index() {
    let Ok(pdm) = tools::pdm() else { return };
    let index = Index::start();
    let distribution = wheel("my-lib", "1.0").build();
    index.project(&distribution);
    index.configure(&["--pdm", "--index-url"]);
    let run = |arguments: &[&str], folder: &str| {
        let mut command = index.tool(&pdm, arguments);
        command
            .env("PDM_CHECK_UPDATE", "0")
            .env("PDM_IGNORE_SAVED_PYTHON", "1")
            .current_dir(index.bed.path(folder));
        succeed(&mut command)
    };
    run(&["publish", "--no-build", "-r", "internal"], "project");
    index.assert_stored(&distribution);
    index.bed.write(
        "user/pyproject.toml",
        "[project]\nname = \"user\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"my-lib\"]\n",
    );
    let python = pdm.interpreter();
    run(&["use", "-f", python.to_str().unwrap()], "user");
    run(&["lock"], "user");
    assert!(index.bed.read("user/pdm.lock").contains(&distribution.sha256()));
}

#[test]
fn hatch_publishes_by_the_name() {
    let Ok(hatch) = tools::hatch() else { return };
    let index = Index::start();
    let distribution = wheel("my-lib", "1.0").build();
    index.project(&distribution);
    // The password has a `%` in it, with which hatch can't read `.pypirc`.
    index.configure(&["--hatch"]);
    let mut publish = index.tool(&hatch, &["publish", "-n", "-r", "internal", "dist"]);
    succeed(publish.current_dir(index.bed.path("project")));
    index.assert_stored(&distribution);
}

/// What poetry and pdm write themselves is what is written for them.
#[test]
fn the_files_are_those_that_the_tools_write() {
    let (Ok(poetry), Ok(pdm)) = (tools::poetry(), tools::pdm()) else {
        return;
    };
    let (ours, theirs) = (Testbed::new(), Testbed::new());
    let arguments = [
        "configure",
        "--url",
        "http://h.example",
        "-u",
        USER,
        "--poetry",
        "--pdm",
        "--password-stdin",
    ];
    ours.run_with_input(arguments, PASSWORD).expect_code(0);
    for (tool, pairs) in [
        (
            &poetry,
            &[
                &["repositories.internal", "http://h.example/"][..],
                &["http-basic.internal", USER, PASSWORD],
            ][..],
        ),
        (
            &pdm,
            &[
                &["repository.internal.url", "http://h.example/"],
                &["repository.internal.username", USER],
                &["repository.internal.password", PASSWORD],
                &["pypi.internal.url", "http://h.example/simple/"],
                // Plain http to another machine.
                &["pypi.internal.verify_ssl", "false"],
                &["pypi.internal.username", USER],
                &["pypi.internal.password", PASSWORD],
            ],
        ),
    ] {
        for pair in pairs {
            let mut command = tool.command(&theirs);
            command
                .arg("config")
                .args(*pair)
                .env("PDM_CHECK_UPDATE", "0")
                .env("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring");
            succeed(&mut command);
        }
    }
    for file in ["pypoetry/config.toml", "pypoetry/auth.toml", "pdm/config.toml"] {
        let read = |bed: &Testbed| -> toml_edit::DocumentMut {
            bed.read(&format!(".config/{file}")).parse().unwrap()
        };
        let (mut ours, mut theirs) = (read(&ours), read(&theirs));
        for document in [&mut ours, &mut theirs] {
            // One quote or two, before or behind: the same.
            document.as_table_mut().sort_values();
        }
        let plain = |document: &toml_edit::DocumentMut| document.to_string().replace('\'', "\"");
        let lines = |document| {
            let mut lines: Vec<String> = plain(document).lines().map(str::to_owned).collect();
            lines.retain(|line| !line.is_empty());
            lines
        };
        assert_eq!(lines(&ours), lines(&theirs), "{file}");
    }
}
