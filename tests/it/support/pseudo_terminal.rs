//! A person at a terminal: types answers when asked, presses Ctrl-C.
//!
//! Python's standard library makes the pseudo-terminal, so that no crate and no unsafe code is needed for it.

use std::process::{Command, Stdio};

/// Plays the steps, then tells on stdout what was on the screen, how the program ended, and whether the terminal was
/// left as it was found.
const DRIVER: &str = r#"
import fcntl, json, os, select, signal, struct, sys, termios, time
steps, command = json.loads(sys.argv[1]), sys.argv[2:]
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(master)
    # Whoever runs the tests in the background has them inherit that Ctrl-C means nothing; at a terminal it ends things.
    for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(ending, signal.SIG_DFL)
    os.execv(command[0], command)
screen, seen, status, deadline = b"", 0, None, time.monotonic() + 60
def read(wait):
    global screen
    if select.select([master], [], [], wait)[0]:
        screen += os.read(master, 65536)
        return True
    return False
for kind, text in steps:
    if kind == "expect":
        while (at := screen.find(text.encode(), seen)) < 0:
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                sys.exit("never seen: %r in %r" % (text, screen))
            read(0.05)
        seen = at + len(text.encode())
    elif kind == "signal":
        os.kill(child, getattr(signal, "SIG" + text))
    else:
        # A person sees the question before its echo is off; wait until the program has made the terminal its own.
        while termios.tcgetattr(slave)[3] & termios.ICANON and time.monotonic() < deadline:
            time.sleep(0.005)
        os.write(master, text.encode())
while True:
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    if time.monotonic() > deadline:
        os.kill(child, signal.SIGKILL)
        sys.exit("does not end: %r" % screen)
    read(0.02)
while read(0.0):
    pass
print(json.dumps([screen.decode(errors="replace"), os.waitstatus_to_exitcode(status), termios.tcgetattr(slave) == before]))
"#;

/// What the person does.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// Waits until this is on the screen, after what was waited for before.
    Expect(&'static str),
    /// Types this; `\r` is Enter, `\x03` Ctrl-C.
    Type(&'static str),
    /// Somebody else sends a signal by name.
    Signal(&'static str),
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) screen: String,
    /// The exit code, or minus the signal that ended it.
    pub(crate) code: i64,
    /// The terminal's settings are those from before.
    pub(crate) is_terminal_restored: bool,
}

impl Session {
    /// Runs a program of the testbed at a terminal of its own.
    pub(crate) fn play(command: &Command, steps: &[Step]) -> Self {
        let steps: Vec<[&str; 2]> = steps
            .iter()
            .map(|step| match step {
                Step::Expect(text) => ["expect", text],
                Step::Type(text) => ["type", text],
                Step::Signal(text) => ["signal", text],
            })
            .collect();
        let mut driver = Command::new("python3");
        driver
            .args(["-c", DRIVER])
            .arg(serde_json::to_string(&steps).unwrap())
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .current_dir(command.get_current_dir().unwrap())
            .stdin(Stdio::null());
        let output = driver.output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        let (screen, code, is_terminal_restored) = serde_json::from_str(&stdout).unwrap();
        Self {
            screen,
            code,
            is_terminal_restored,
        }
    }
}
