//! Ctrl-C, SIGTERM and SIGHUP: nothing of the build stays, whatever its children think of signals.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Bench;
use crate::support::pseudo_terminal::{Session, Step};

/// A build whose backend waits, with the processes that must go.
struct Waiting {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    waiting: Vec<u32>,
}

impl Waiting {
    fn start(bench: &Bench, action: &str) -> Self {
        bench.testbed.write(&format!("project/{}", super::SDIST), "old");
        let mut command = bench.command(&["-v", "-C", &format!("build_wheel={action}")]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (mut line, mut talk) = (String::new(), String::new());
        while !line.starts_with("waiting in ") {
            line.clear();
            assert_ne!(
                stderr.read_line(&mut line).unwrap(),
                0,
                "ended too early:\n{talk}"
            );
            talk.push_str(&line);
        }
        let numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        let waiting: Vec<u32> = numbers.collect();
        assert_eq!(waiting.len(), 2, "{line}");
        Self {
            child,
            stderr,
            waiting,
        }
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end, and looks for what should be gone.
    #[track_caller]
    fn expect_end(mut self, code: i32, bench: &Bench) {
        let mut talk = String::new();
        self.stderr.read_to_string(&mut talk).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{talk}");
        assert!(
            talk.contains("error: interrupted; the output folder is as it was"),
            "{talk}"
        );
        for number in self.waiting {
            let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            assert!(
                stat.is_empty() || stat.contains(") Z"),
                "{number} lives on: {stat}"
            );
        }
        bench.expect_untouched();
    }
}

// I1
#[test]
fn each_signal_has_its_exit_code_and_leaves_nothing() {
    let Some(bench) = Bench::in_tree("") else { return };
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let waiting = Waiting::start(&bench, "wait");
        waiting.signal(name);
        waiting.expect_end(code, &bench);
    }
}

#[test]
fn a_backend_that_ignores_ctrl_c_is_killed_with_its_children() {
    let Some(bench) = Bench::in_tree("") else { return };
    let waiting = Waiting::start(&bench, "stubborn");
    waiting.signal("INT");
    waiting.expect_end(130, &bench);
}

#[test]
fn who_insists_need_not_wait() {
    let Some(bench) = Bench::in_tree("") else { return };
    let waiting = Waiting::start(&bench, "stubborn");
    let begun = Instant::now();
    waiting.signal("INT");
    waiting.signal("TERM");
    waiting.expect_end(130, &bench);
    assert!(
        begun.elapsed() < Duration::from_millis(1900),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn ctrl_c_at_a_terminal_leaves_it_in_order() {
    let Some(bench) = Bench::in_tree("") else { return };
    bench.testbed.write(&format!("project/{}", super::SDIST), "old");
    let mut command = bench.command(&["-C", "build_wheel=wait"]);
    command.env("TERM", "xterm");
    let steps = [
        Step::Expect("building the wheel from the sdist…"),
        Step::Signal("INT"),
        Step::Expect("error: interrupted; the output folder is as it was"),
    ];
    let session = Session::play(&command, &steps);
    assert_eq!(session.code, 130, "{}", session.screen);
    assert!(session.is_terminal_restored);
    bench.expect_untouched();
}
