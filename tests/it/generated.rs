//! `man/` and `completions/` are what this version's command line makes of them, and shells can load them.

use std::collections::BTreeMap;
use std::process::Command;

use clap_complete::Shell;

use crate::support::blessed::{assert_folder, project_path};
use crate::support::{Outcome, Testbed};

const SHELLS: [(Shell, &str); 5] = [
    (Shell::Bash, "pkgctl.bash"),
    (Shell::Elvish, "pkgctl.elv"),
    (Shell::Fish, "pkgctl.fish"),
    (Shell::PowerShell, "_pkgctl.ps1"),
    (Shell::Zsh, "_pkgctl"),
];

#[test]
fn man_pages_are_up_to_date() {
    let mut program = pkgctl::command().disable_help_subcommand(true);
    program.build();
    let mut pages = BTreeMap::from([page_of(&program)]);
    pages.extend(
        program
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set())
            .map(page_of),
    );
    assert_folder("man", &pages);
}

/// File name and content. The page of a verb is named as `man pkgctl-serve` looks for it.
fn page_of(command: &clap::Command) -> (String, String) {
    let version = env!("CARGO_PKG_VERSION");
    let man = clap_mangen::Man::new(command.clone().version(version)).source(format!("pkgctl {version}"));
    let mut page = Vec::new();
    man.render(&mut page).unwrap();
    (man.get_filename(), String::from_utf8(page).unwrap())
}

#[test]
fn completions_are_up_to_date() {
    let scripts = SHELLS.map(|(shell, file)| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut pkgctl::command(), "pkgctl", &mut script);
        (file.to_owned(), String::from_utf8(script).unwrap())
    });
    assert_folder("completions", &BTreeMap::from(scripts));
}

#[test]
fn the_program_prints_the_same_completions() {
    let testbed = Testbed::new();
    for (shell, file) in SHELLS {
        let outcome = testbed.run(["completions", &shell.to_string()]).expect_code(0);
        let checked_in = std::fs::read_to_string(project_path("completions").join(file)).unwrap();
        assert!(
            outcome.stdout == checked_in,
            "`pkgctl completions {shell}` is not `{file}`"
        );
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn an_unknown_shell_is_bad_usage() {
    let outcome = Testbed::new().run(["completions", "tcsh"]).expect_code(2);
    for named in ["tcsh", "bash", "zsh"] {
        assert!(outcome.stderr.contains(named), "{}", outcome.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let testbed = Testbed::new();
    let script = format!(
        "set -o pipefail; {} completions bash | head -c 1 >/dev/null",
        crate::support::binary()
    );
    let outcome = Outcome::of(testbed.program("bash").args(["-c", &script]));
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn bash_completes_verbs_and_options() {
    if Command::new("bash").arg("--version").output().is_err() {
        return;
    }
    for (words, wanted) in [
        ("comp", "completions"),
        ("completions z", "zsh"),
        ("completions --he", "--help"),
    ] {
        let script = format!(
            r#"source "$1"; COMP_WORDS=(pkgctl {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
            _pkgctl pkgctl "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"; printf '%s\n' "${{COMPREPLY[@]}}""#
        );
        let testbed = Testbed::new();
        let mut bash = testbed.program("bash");
        bash.args(["-c", &script, "bash"])
            .arg(project_path("completions/pkgctl.bash"));
        let outcome = Outcome::of(&mut bash).expect_code(0);
        let offered: Vec<&str> = outcome.stdout.lines().collect();
        assert!(
            offered.contains(&wanted),
            "`pkgctl {words}` offers {offered:?}: {}",
            outcome.stderr
        );
    }
}
