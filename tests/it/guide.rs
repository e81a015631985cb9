//! The guide, as the README has it: from nothing to `pip install` of an internal package, through the real binary and
//! real pip, in an empty home.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::blessed::project_path;
use crate::support::foreign_server::free_port;
use crate::support::{Outcome, Server, Session, Step, Testbed, tools};

const PASSWORD: &str = "correct horse battery staple";

/// An empty home with two projects, a fresh virtual environment, and an index that stands in for the public one: it
/// knows setuptools and nothing of ours.
struct Home {
    testbed: Testbed,
    public: Server,
    port: u16,
}

impl Home {
    fn new() -> Option<Self> {
        let wheelhouse = tools::wheelhouse().ok()?;
        let testbed = Testbed::new();
        let public_folder = testbed.root().join("public");
        fs::create_dir(&public_folder).unwrap();
        for wheel in fs::read_dir(wheelhouse).unwrap() {
            let wheel = wheel.unwrap();
            fs::copy(wheel.path(), public_folder.join(wheel.file_name())).unwrap();
        }
        let public_folder = public_folder.to_str().unwrap();
        let public = testbed.serve(["--disable-fallback", public_folder]);
        let home = Self {
            testbed,
            public,
            port: free_port(),
        };
        home.lay_out_projects();
        let mut venv = home.testbed.program("python3");
        Outcome::of(venv.args(["-m", "venv", "venv"])).expect_code(0);
        Some(home)
    }

    fn lay_out_projects(&self) {
        self.testbed.write(
            "my-service-lib/pyproject.toml",
            "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\n\
             [project]\nname = \"my-service-lib\"\nversion = \"1.0.0\"\n",
        );
        self.testbed
            .write("my-service-lib/my_service_lib/__init__.py", "ANSWER = 42\n");
        // The second is as old guides have it.
        self.testbed.write(
            "my-other-lib/setup.py",
            "from setuptools import setup\nsetup(name='my-other-lib', version='2.0.0', packages=['my_other_lib'])\n",
        );
        self.testbed
            .write("my-other-lib/my_other_lib/__init__.py", "ANSWER = 43\n");
    }

    /// The guide's address, as the packages' users would type it.
    fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// A program in the fresh environment, with pkgctl on the path.
    fn program(&self, program: &str) -> Command {
        let mut command = self.testbed.program(program);
        let pkgctl = Path::new(crate::support::binary()).parent().unwrap();
        let inherited = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .and_then(|(_, value)| value)
            .unwrap()
            .to_owned();
        let path = [self.testbed.path("venv/bin"), pkgctl.to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&inherited));
        let public = format!("{}/simple/", self.public.url);
        command
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("PIP_INDEX_URL", &public)
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("UV_DEFAULT_INDEX", &public);
        command
    }

    /// Runs shell commands; the server that they start in the background ends with them.
    fn shell(&self, script: &str) -> Outcome {
        let script = format!("set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}");
        let mut bash = self.program("bash");
        bash.args(["-c", &script]).env("PKGCTL_PASSWORD", PASSWORD);
        Outcome::of(&mut bash)
    }

    /// What stands between `pkgctl serve ... &` and the next line when a person types them.
    fn until_it_listens(&self) -> String {
        format!(
            "until (exec 3<>/dev/tcp/127.0.0.1/{}) 2>/dev/null; do sleep 0.05; done",
            self.port
        )
    }

    /// The README's commands as written, but for the port, which must be one that is free.
    fn guide(&self) -> Vec<String> {
        let readme = readme();
        let (_, guide) = readme.split_once("\n## From nothing to `pip install`\n").unwrap();
        let (guide, _) = guide.split_once("\n## ").unwrap();
        let lines = shell_lines(guide);
        let port = self.port.to_string();
        let lines = lines
            .iter()
            .map(|line| line.split(" #").next().unwrap().trim_end().replace("8080", &port));
        let lines: Vec<String> = lines.collect();
        assert_eq!(lines[..2], ["pkgctl adduser alice", "pkgctl configure"]);
        lines
    }

    /// What follows when there are users and settings: from the running server to the installed package. Then a second
    /// project, published by the repository's name, and the look of everything afterwards.
    fn serve_build_publish_and_install(&self) {
        let mut script = String::new();
        for line in &self.guide()[2..] {
            script.push_str(&format!("{line}\n"));
            if line.ends_with('&') {
                script.push_str(&format!("{}\n", self.until_it_listens()));
            }
        }
        script.push_str(
            "cd ~ && python -c 'import my_service_lib; print(\"answer\", my_service_lib.ANSWER, my_service_lib.__file__)'\n\
             cd ~/my-other-lib && pkgctl build && pkgctl publish -r internal\n\
             echo packages: && ls ~/packages/\n",
        );
        let outcome = self.shell(&script).expect_code(0);
        let said = &outcome.stdout;
        let files = "my_other_lib-2.0.0-py3-none-any.whl\nmy_other_lib-2.0.0.tar.gz\n\
                     my_service_lib-1.0.0-py3-none-any.whl\nmy_service_lib-1.0.0.tar.gz\n";
        assert!(said.contains(&format!("packages:\n{files}")), "{said}");
        assert!(said.contains("answer 42 "), "{said}");
        assert!(said.contains("/venv/lib/"), "installed elsewhere: {said}");
        let wheel = format!("{}/packages/my_service_lib-1.0.0-py3-none-any.whl", self.url());
        assert!(said.contains(&wheel), "pip took it from elsewhere: {said}");
        self.assert_private("packages/.htaccess");
        self.assert_private(".pypirc");
        assert!(
            !format!("{outcome:?}").contains(PASSWORD),
            "the password was shown"
        );
    }

    /// Only its owner may read the file.
    fn assert_private(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(self.testbed.path(path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
    }
}

#[test]
fn the_guide_works_from_start_to_finish_without_a_terminal() {
    let Some(home) = Home::new() else { return };
    let url = home.url();
    home.shell(&format!(
        "pkgctl adduser alice\npkgctl configure --username alice --url {url}"
    ))
    .expect_code(0);
    let users = home.testbed.read("packages/.htaccess");
    assert!(
        users.starts_with("alice:$2") && users.lines().count() == 1,
        "{users}"
    );
    let pypirc = home.testbed.read(".pypirc");
    for part in ["internal", &url, "alice"] {
        assert!(pypirc.contains(part), "{pypirc}");
    }
    home.serve_build_publish_and_install();
}

#[test]
fn the_guide_works_from_start_to_finish_with_a_person_at_a_terminal() {
    let Some(home) = Home::new() else { return };
    let url = home.url();
    let talk = |arguments: &[&str], steps: &[Step]| {
        let mut command = home.program(crate::support::binary());
        let session = Session::play(command.args(arguments), steps);
        assert_eq!(session.code, 0, "{}", session.screen);
        assert!(
            !session.screen.contains(PASSWORD),
            "the password was shown: {}",
            session.screen
        );
    };
    let password = [Step::Expect("assword"), Step::Type(PASSWORD), Step::Type("\r")];
    let again = [Step::Expect("again"), Step::Type(PASSWORD), Step::Type("\r")];
    let user = [Step::Expect("ser"), Step::Type("alice\r")];
    let [adduser, configure] = [[&password[..], &again].concat(), [&user[..], &password].concat()];
    talk(&["adduser", "alice"], &adduser);
    talk(&["configure", "--url", &url], &configure);
    home.serve_build_publish_and_install();
}

/// The README's commands are this program's: each verb is there, with each option that is shown.
#[test]
fn the_readme_shows_only_what_exists() {
    let mut program = pkgctl::command();
    program.build();
    let mut verbs_shown = BTreeSet::new();
    for line in shell_lines(&readme()) {
        for call in line.split(['|', ';', '&', '#', '$', '(', ')']) {
            let mut words = call
                .split_whitespace()
                .skip_while(|word| *word != "pkgctl" && *word != "--");
            let (Some(_), Some(name)) = (words.next(), words.next()) else {
                continue;
            };
            let Some(verb) = program.find_subcommand(name) else {
                assert!(
                    name.starts_with('-'),
                    "`pkgctl {name}`, of which the README tells, is no verb: {line}"
                );
                continue;
            };
            verbs_shown.insert(name.to_owned());
            for option in words.filter(|word| word.len() > 1 && word.starts_with('-')) {
                assert!(
                    takes(verb, option),
                    "`pkgctl {name} {option}` is in the README and not in the program"
                );
            }
        }
    }
    let all: BTreeSet<String> = program
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .filter(|name| name != "help")
        .collect();
    assert_eq!(verbs_shown, all, "the verbs that the README shows");
}

fn takes(verb: &clap::Command, option: &str) -> bool {
    let option = option.split('=').next().unwrap();
    verb.get_arguments().any(|argument| {
        let long = argument.get_long_and_visible_aliases().unwrap_or_default();
        let short = argument.get_short_and_visible_aliases().unwrap_or_default();
        long.iter().any(|long| format!("--{long}") == option)
            || short
                .iter()
                .any(|short| option.strip_prefix('-') == Some(&short.to_string()))
    })
}

/// Whoever sets up by the README does what is proven on every change.
#[test]
fn the_two_set_up_commands_are_those_that_are_proven() {
    let readme = readme();
    let (_, set_up) = readme.split_once("\n## Set up\n").unwrap();
    let (set_up, _) = set_up.split_once("\n## ").unwrap();
    let commands = shell_lines(set_up);
    assert_eq!(commands.len(), 2, "two commands: {commands:?}");
    let proof = fs::read_to_string(project_path(".ci/run")).unwrap();
    for command in commands {
        let run = proof
            .lines()
            .any(|line| line.starts_with("step ") && line.ends_with(&command));
        assert!(run, "`.ci/run` has no step `{command}`");
    }
}

fn readme() -> String {
    fs::read_to_string(project_path("README.md")).unwrap()
}

/// The lines of the blocks that are marked as shell, without comments.
fn shell_lines(markdown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_block = false;
    for line in markdown.lines() {
        match line.trim() {
            "```sh" => in_block = true,
            "```" => in_block = false,
            line if in_block && !line.is_empty() && !line.starts_with('#') => lines.push(line.to_owned()),
            _ => {}
        }
    }
    lines
}
