//! `--print-env`: variables for CI instead of files.

use std::collections::BTreeMap;
use std::process::Command;

use super::all_files;
use crate::support::distributions::wheel;
use crate::support::{Outcome, Testbed, tools};

const PASSWORD: &str = "it's $HOME \"100%\" `x`";

fn print_env(bed: &Testbed, flags: &[&str]) -> Outcome {
    let mut command = bed.pkgctl(["configure", "--print-env", "--url", "http://h.example:80/x"]);
    Outcome::of(command.args(flags).env("PKGCTL_PASSWORD", PASSWORD)).expect_code(0)
}

/// What a shell makes of the lines.
fn in_a_shell(bed: &Testbed, lines: &str) -> BTreeMap<String, String> {
    let mut shell = bed.program("sh");
    shell
        .args(["-euc", &format!("{lines}\nexec env -0")])
        .env("PKGCTL_PASSWORD", PASSWORD);
    let outcome = Outcome::of(&mut shell).expect_code(0);
    let pairs = outcome.stdout.split('\0').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn a_shell_gets_every_tools_variables_and_no_file_is_written() {
    let bed = Testbed::new();
    let outcome = print_env(&bed, &["-u", "alice", "--name", "my-team"]);
    assert!(!outcome.stdout.contains("it's") && !outcome.stderr.contains("it's"));
    let found = in_a_shell(&bed, &outcome.stdout);
    for (name, value) in [
        ("PIP_EXTRA_INDEX_URL", "http://h.example/x/simple/"),
        ("PIP_TRUSTED_HOST", "h.example"),
        ("UV_INDEX", "my-team=http://h.example/x/simple/"),
        ("UV_INDEX_MY_TEAM_USERNAME", "alice"),
        ("UV_INDEX_MY_TEAM_PASSWORD", PASSWORD),
        ("UV_PUBLISH_URL", "http://h.example/x/"),
        ("UV_PUBLISH_PASSWORD", PASSWORD),
        ("TWINE_REPOSITORY_URL", "http://h.example/x/"),
        ("TWINE_USERNAME", "alice"),
        ("TWINE_PASSWORD", PASSWORD),
        ("POETRY_REPOSITORIES_MY_TEAM_URL", "http://h.example/x/"),
        ("POETRY_HTTP_BASIC_MY_TEAM_PASSWORD", PASSWORD),
        ("PDM_PUBLISH_REPO", "http://h.example/x/"),
        ("HATCH_INDEX_AUTH", PASSWORD),
        ("FLIT_INDEX_URL", "http://h.example/x/"),
        ("PKGCTL_REPOSITORY_URL", "http://h.example/x/"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!found.contains_key("PIP_INDEX_URL"));
    assert_eq!(all_files(&bed), [""; 0]);
}

#[test]
fn the_only_index_has_variables_of_its_own_and_nobody_has_no_password() {
    let bed = Testbed::new();
    let outcome = bed
        .run([
            "configure",
            "--print-env",
            "--index-url",
            "--url",
            "https://h.example",
        ])
        .expect_code(0);
    let found = in_a_shell(&bed, &outcome.stdout);
    assert_eq!(found["PIP_INDEX_URL"], "https://h.example/simple/");
    assert_eq!(found["UV_DEFAULT_INDEX"], "internal=https://h.example/simple/");
    for name in [
        "PIP_EXTRA_INDEX_URL",
        "UV_INDEX",
        "TWINE_PASSWORD",
        "TWINE_USERNAME",
        "PIP_TRUSTED_HOST",
    ] {
        assert!(!found.contains_key(name), "{name}");
    }
}

#[test]
fn the_password_itself_is_printed_only_when_asked_and_with_a_warning() {
    let bed = Testbed::new();
    let outcome = print_env(&bed, &["-u", "alice", "--print-password"]);
    assert!(
        outcome.stderr.contains("warning: the password is on stdout"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stdout.contains("PKGCTL_PASSWORD"));
    assert_eq!(in_a_shell(&bed, &outcome.stdout)["TWINE_PASSWORD"], PASSWORD);
    bed.run(["configure", "--print-env", "--print-password"])
        .expect_failure(2, "no password to print");
    bed.run(["configure", "--print-password"]).expect_code(2);
    bed.run(["configure", "--print-env", "--remove"]).expect_code(2);
}

#[test]
fn twine_uv_poetry_pdm_and_hatch_publish_by_the_variables() {
    let password = "s3cret";
    let bed = Testbed::new();
    std::fs::create_dir(bed.path("packages")).unwrap();
    bed.write(
        "passwords",
        format!("alice:{}\n", bcrypt::hash(password, 4).unwrap()),
    );
    let server = bed.serve(["-P", "passwords", "-a", "update,download,list", "packages"]);
    let arguments = ["configure", "--print-env", "-u", "alice", "--url", &server.url];
    let lines = bed.run(arguments).expect_code(0).stdout;
    bed.write(
        "pyproject.toml",
        "[project]\nname = \"my-lib\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\n\n\
         [build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n",
    );
    let distribution = wheel("my-lib", "1.0").build();
    let file = distribution.write_into(bed.path("dist"));
    let file = file.to_str().unwrap();
    let clients: [(_, &[&str]); 5] = [
        (tools::twine(), &["upload", "--non-interactive", file]),
        (tools::uv(), &["publish", "--trusted-publishing", "never", file]),
        (
            tools::poetry(),
            &["publish", "--no-interaction", "-r", "internal"],
        ),
        (tools::pdm(), &["publish", "--no-build"]),
        (tools::hatch(), &["publish", "-n", file]),
    ];
    for (tool, arguments) in clients {
        let Ok(tool) = tool else { continue };
        let program = tool.command(&bed);
        let mut shell: Command = tool.command(&bed);
        shell = with_environment_of(&shell, "sh");
        shell
            .args(["-euc", &format!("{lines}\nexec \"$@\""), "sh"])
            .arg(program.get_program())
            .args(arguments)
            .env("PKGCTL_PASSWORD", password)
            .env("PDM_CHECK_UPDATE", "0");
        Outcome::of(&mut shell).expect_code(0);
        let stored = bed.path("packages").join(&distribution.filename);
        assert!(stored.exists(), "{arguments:?}");
        std::fs::remove_file(stored).unwrap();
    }
}

/// Another program in the same surroundings.
fn with_environment_of(command: &Command, program: &str) -> Command {
    let mut other = Command::new(program);
    other
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .current_dir(command.get_current_dir().unwrap());
    other
}
