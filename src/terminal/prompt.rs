//! Questions to the user, on the terminal itself and never on stdin or stdout.
//!
//! A secret is not echoed. Ctrl-C gives the terminal back as it was and becomes [`PromptError::Interrupted`]; so does
//! the end of input (Ctrl-D). Without a terminal every question is an error that names the other ways to answer.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rpassword::ConfigBuilder;
use zeroize::Zeroizing;

/// The longest secret that is taken from stdin, in bytes.
const MAX_SECRET_BYTES: u64 = 4096;

/// How often a new secret may be mistyped.
const TRIES: usize = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Nobody is there to ask.
    #[error("there is no terminal to ask for {wanted}")]
    NoTerminal {
        /// What was to be asked for.
        wanted: String,
        /// How to answer without a terminal.
        instead: String,
    },
    /// The user pressed Ctrl-C or Ctrl-D.
    #[error("interrupted")]
    Interrupted,
    /// The two answers differed each time.
    #[error("the two passwords differ")]
    Mismatch,
    /// The terminal could not be read or written.
    #[error("can't ask on the terminal")]
    Terminal(#[source] io::Error),
    /// stdin could not be read.
    #[error("can't read a password from stdin")]
    Stdin(#[source] io::Error),
    /// The bytes are no text.
    #[error("the password on stdin is not UTF-8")]
    NotUtf8,
    /// The first line is longer than any password.
    #[error("the password on stdin is longer than {MAX_SECRET_BYTES} bytes")]
    TooLong,
}

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What is asked for, to end `there is no terminal to ask for ...`.
    pub wanted: &'a str,
    /// What is shown, without the colon.
    pub prompt: &'a str,
    /// The flags and variables that answer it without a terminal.
    pub instead: &'a str,
}

/// Whether somebody sits at a terminal: questions can be asked.
#[must_use]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a line; an empty answer is the default, where there is one.
///
/// # Errors
/// There is no terminal, or the user gave up.
pub fn prompt_line(question: Question<'_>, default: Option<&str>) -> Result<String, PromptError> {
    let shown = match default {
        Some(default) => format!("{} [{default}]: ", question.prompt),
        None => format!("{}: ", question.prompt),
    };
    let answer = ask(question, &shown, Echo::On)?;
    match default {
        Some(default) if answer.trim().is_empty() => Ok(default.to_owned()),
        _ => Ok(answer.trim().to_owned()),
    }
}

/// Asks for a secret without showing it.
///
/// # Errors
/// There is no terminal, or the user gave up.
pub fn prompt_secret(question: Question<'_>) -> Result<Zeroizing<String>, PromptError> {
    ask(question, &format!("{}: ", question.prompt), Echo::Off)
}

/// Asks for a new secret twice, without showing it, until both answers agree.
///
/// # Errors
/// There is no terminal, the user gave up, or the answers differed three times.
pub fn prompt_new_secret(question: Question<'_>) -> Result<Zeroizing<String>, PromptError> {
    for _ in 0..TRIES {
        let first = ask(question, &format!("{}: ", question.prompt), Echo::Off)?;
        let again = ask(question, &format!("{} (again): ", question.prompt), Echo::Off)?;
        if *first == *again {
            return Ok(first);
        }
        super::warning("the two passwords differ");
    }
    Err(PromptError::Mismatch)
}

/// Reads a secret from the first line of stdin; its line end is no part of it. A terminal is asked without echo.
///
/// # Errors
/// stdin can't be read, or its first line is no text of at most 4096 bytes.
pub fn secret_from_stdin() -> Result<Zeroizing<String>, PromptError> {
    if is_interactive() {
        return prompt_secret(Question {
            wanted: "the password",
            prompt: "Password",
            instead: "pipe it to stdin",
        });
    }
    let mut line = Zeroizing::new(Vec::new());
    let mut stdin = io::stdin().lock().take(MAX_SECRET_BYTES + 2);
    stdin.read_until(b'\n', &mut line).map_err(PromptError::Stdin)?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let too_long = line.len() as u64 > MAX_SECRET_BYTES;
    match std::str::from_utf8(line) {
        Ok(text) if !too_long => Ok(Zeroizing::new(text.to_owned())),
        Ok(_) => Err(PromptError::TooLong),
        Err(_) => Err(PromptError::NotUtf8),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    On,
    Off,
}

fn ask(question: Question<'_>, shown: &str, echo: Echo) -> Result<Zeroizing<String>, PromptError> {
    if !is_interactive() {
        return Err(PromptError::NoTerminal {
            wanted: question.wanted.to_owned(),
            instead: question.instead.to_owned(),
        });
    }
    let config = match echo {
        // A mask that shows every character is a plain line, read by the same code and left by the same Ctrl-C.
        Echo::On => ConfigBuilder::new().password_feedback_partial_mask('*', usize::MAX),
        Echo::Off => ConfigBuilder::new().password_feedback_hide(),
    };
    let _guard = TerminalGuard::begin().map_err(PromptError::Terminal)?;
    match rpassword::prompt_password_with_config(shown, config.build()) {
        Ok(answer) => Ok(Zeroizing::new(answer)),
        Err(error) => match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof => Err(PromptError::Interrupted),
            _ => Err(PromptError::Terminal(error)),
        },
    }
}

/// While it lives, a signal can't end the program before the terminal is as it was.
struct TerminalGuard {
    idle: Arc<AtomicBool>,
}

impl TerminalGuard {
    fn begin() -> io::Result<Self> {
        static IDLE: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let idle = match IDLE.get() {
            Some(idle) => Arc::clone(idle),
            None => {
                let idle = Arc::new(AtomicBool::new(true));
                watch_signals(&idle)?;
                Arc::clone(IDLE.get_or_init(|| idle))
            }
        };
        idle.store(false, Ordering::SeqCst);
        Ok(Self { idle })
    }
}

impl Drop for TerminalGuard {
    fn drop(&mut self) {
        self.idle.store(true, Ordering::SeqCst);
    }
}

/// SIGINT: the reader of the prompt raises it for Ctrl-C before it has restored the terminal, so while a question is
/// open it must not end the program. SIGTERM, SIGHUP, and a SIGINT that somebody sent: restore, then do as usual.
#[cfg(unix)]
fn watch_signals(idle: &Arc<AtomicBool>) -> io::Result<()> {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    /// Longer than it takes to leave the prompt after Ctrl-C.
    const LEAVING: std::time::Duration = std::time::Duration::from_millis(250);

    let terminal = std::fs::File::open("/dev/tty")?;
    let as_it_was = tcgetattr(&terminal)?;
    signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(idle))?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let idle = Arc::clone(idle);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if signal == SIGINT {
                std::thread::sleep(LEAVING);
            }
            if !idle.load(Ordering::SeqCst) {
                // Without a terminal there is nothing to restore.
                let _ = tcsetattr(&terminal, OptionalActions::Now, &as_it_was);
            } else if signal == SIGINT {
                continue;
            }
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Elsewhere the reader of the prompt restores the console itself.
#[cfg(not(unix))]
fn watch_signals(_idle: &Arc<AtomicBool>) -> io::Result<()> {
    Ok(())
}
