//! The clients that teams use today, in pinned versions, there and back: what one uploads is what the next one
//! installs, byte for byte.
//!
//! No test needs a network once the tools are set up: the server under test is the only index that a client is told.

use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::distributions::{Distribution, sdist, wheel};
use crate::support::http;
use crate::support::pypiserver::Pypiserver;
use crate::support::tools::{self, Tool};
use crate::support::{Outcome, Server, Testbed};

const USER: &str = "alice";
const PASSWORD: &str = "pa55: w/rd@%40";
/// The same in a URL.
const PASSWORD_IN_URL: &str = "pa55%3A%20w%2Frd%40%2540";

/// `pkgctl serve` on a folder of its own, in a home of its own.
struct Index {
    testbed: Testbed,
    server: Server,
}

impl Index {
    /// Everybody may do everything.
    fn open() -> Self {
        let testbed = Testbed::new();
        fs::create_dir(testbed.path("packages")).unwrap();
        let server = testbed.serve(["--disable-fallback", "-P", ".", "-a", ".", "packages"]);
        Self { testbed, server }
    }

    /// Everything takes alice's password.
    fn guarded() -> Self {
        let testbed = Testbed::new();
        fs::create_dir(testbed.path("packages")).unwrap();
        testbed.write("passwords", password_line());
        let server = testbed.serve(["-P", "passwords", "-a", "update,download,list", "packages"]);
        Self { testbed, server }
    }

    /// Where uploads go.
    fn upload_url(&self) -> String {
        format!("{}/", self.server.url)
    }

    /// Where installers look.
    fn simple_url(&self) -> String {
        format!("{}/simple/", self.server.url)
    }

    /// The same, with alice's name and password in it.
    fn simple_url_of_alice(&self) -> String {
        with_credentials(&self.simple_url(), &format!("{USER}:{PASSWORD_IN_URL}"))
    }

    /// Puts a file into the served folder, as `cp` does.
    fn copy_in(&self, distribution: &Distribution) -> PathBuf {
        distribution.write_into(self.testbed.path("packages"))
    }

    /// Puts a file where uploaders take it from.
    fn in_dist(&self, distribution: &Distribution) -> PathBuf {
        distribution.write_into(self.testbed.path("dist"))
    }

    #[track_caller]
    fn assert_stored(&self, distribution: &Distribution) {
        let path = self.testbed.path("packages").join(&distribution.filename);
        assert_eq!(sha256_of(&path), distribution.sha256(), "{}", path.display());
    }
}

/// A line of a passwords file, as cheap to check as bcrypt can be.
fn password_line() -> String {
    format!("{USER}:{}\n", bcrypt::hash(PASSWORD, 4).unwrap())
}

fn with_credentials(url: &str, credentials: &str) -> String {
    url.replacen("://", &format!("://{credentials}@"), 1)
}

fn sha256_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Distribution {
        filename: String::new(),
        bytes,
    }
    .sha256()
}

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
fn pip_and_uv_take_the_password_from_netrc() {
    let (Ok(pip), Ok(uv)) = (tools::pip(), tools::uv()) else {
        return;
    };
    let index = Index::guarded();
    let distribution = wheel("my-lib", "1.0").build();
    index.copy_in(&distribution);
    // netrc knows no blanks in passwords, so this user has a plainer one.
    let line = format!("bob:{}\n", bcrypt::hash("plain", 4).unwrap());
    index.testbed.write("passwords", password_line() + &line);
    index
        .testbed
        .write(".netrc", "machine 127.0.0.1 login bob password plain\n");
    let url = index.simple_url();
    succeed(&mut pip_download(&pip, &index, &url, "my-lib"));
    assert_downloaded(&index, &distribution);
    succeed(&mut uv_install(&uv, &index, &url, "my-lib==1.0", &distribution));
    assert_imports(&uv, &index, "my_lib", "1.0");
}

#[test]
fn clients_without_the_right_password_are_told_so() {
    let (Ok(pip), Ok(uv), Ok(twine)) = (tools::pip(), tools::uv(), tools::twine()) else {
        return;
    };
    let index = Index::guarded();
    let distribution = wheel("my-lib", "1.0").build();
    index.copy_in(&distribution);
    let wrong_url = with_credentials(&index.simple_url(), "alice:wrong");
    for url in [index.simple_url(), wrong_url.clone()] {
        let said = fail(&mut pip_download(&pip, &index, &url, "my-lib"));
        assert!(
            said.contains("401") || said.contains("No matching distribution"),
            "{said}"
        );
        let said = fail(&mut uv_install(&uv, &index, &url, "my-lib==1.0", &distribution));
        assert!(said.contains("401 Unauthorized"), "{said}");
    }

    let other = wheel("my-lib", "2.0").build();
    let files = [index.in_dist(&other)];
    for (user, password) in [(USER, "wrong"), ("nobody", PASSWORD)] {
        let mut upload = twine_upload(&twine, &index, &files);
        let said = fail(upload.env("TWINE_USERNAME", user).env("TWINE_PASSWORD", password));
        assert!(said.contains("401"), "{said}");
        let mut publish = uv_publish(&uv, &index, &files);
        let said = fail(
            publish
                .env("UV_PUBLISH_USERNAME", user)
                .env("UV_PUBLISH_PASSWORD", password),
        );
        assert!(said.contains("401"), "{said}");
    }
    assert!(!index.testbed.path("packages").join(&other.filename).exists());
    assert!(!index.server.log().contains(PASSWORD), "the log tells a password");
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
