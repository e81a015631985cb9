//! A person at a terminal: runs a program on a real pseudo-terminal and answers its questions.

use std::path::Path;
use std::process::Command;

use super::{Outcome, Testbed};

/// Python knows pseudo-terminals; the standard library here doesn't.
const DRIVER: &str = r#"
import os, pty, select, sys, time
folder, separator = sys.argv[1], sys.argv.index("--")
answers = [pair.split("=", 1) for pair in sys.argv[2:separator]]
program = sys.argv[separator + 1:]
child, terminal = pty.fork()
if child == 0:
    os.chdir(folder)
    os.execvp(program[0], program)
shown = seen = b""
deadline = time.monotonic() + 60
while True:
    ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
    if not ready:
        os.kill(child, 9)
        sys.exit("no question came that holds `%s`; shown so far:\n%s" % (answers[:1], shown.decode()))
    try:
        piece = os.read(terminal, 65536)
    except OSError:  # the program has gone
        piece = b""
    if not piece:
        break
    shown, seen = shown + piece, seen + piece
    if answers and answers[0][0].lower().encode() in seen.lower():
        seen = b""
        answer = answers.pop(0)[1]
        os.write(terminal, b"\x03" if answer == "^C" else answer.encode() + b"\n")
_, status = os.waitpid(child, 0)
sys.stdout.write(shown.decode())
if answers:
    sys.exit("never asked: %s" % answers)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"#;

/// Runs `command` in `folder` on a terminal. Each of `answers` is a piece of a question, in any case, and what is
/// typed after it; `^C` stands for that key. Everything shown is in `stdout`.
pub(crate) fn talk(testbed: &Testbed, command: &Command, folder: &Path, answers: &[(&str, &str)]) -> Outcome {
    let mut python = testbed.program("python3");
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => python.env(name, value),
            None => python.env_remove(name),
        };
    }
    python.env("TERM", "xterm").args(["-c", DRIVER]).arg(folder);
    python.args(
        answers
            .iter()
            .map(|(question, answer)| format!("{question}={answer}")),
    );
    python
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    Outcome::of(&mut python)
}

/// The driver shows what a terminal shows: questions, and no secret that is typed with the echo off.
#[test]
fn the_driver_answers_questions_as_a_person_does() {
    let testbed = Testbed::new();
    let asking =
        "import getpass; user = input('User: '); print('told', len(getpass.getpass('Password: ')), user)";
    let mut command = testbed.program("python3");
    command.args(["-c", asking]);
    let home = testbed.home();
    let outcome = talk(
        &testbed,
        &command,
        &home,
        &[("user", "bob"), ("PASSWORD", "hidden")],
    )
    .expect_code(0);
    assert!(outcome.stdout.contains("told 6 bob"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("hidden"), "{}", outcome.stdout);
    let outcome = talk(&testbed, &command, &home, &[("user", "^C")]);
    assert!(
        outcome.code != Some(0) && outcome.stdout.contains("KeyboardInterrupt"),
        "{outcome:?}"
    );
    let outcome = talk(
        &testbed,
        &command,
        &home,
        &[("user", "bob"), ("password", "x"), ("age", "7")],
    );
    assert!(outcome.stderr.contains("never asked"), "{outcome:?}");
}
