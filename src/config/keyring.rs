//! The system's keyring, through the program `keyring`: the one way to it that twine, pip, uv, hatch and others share.
//!
//! Passwords go to the program through its stdin and come from its stdout, never through arguments, which every user of
//! the machine could read.

use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Environment;
use super::ambient::SECRET_VARIABLES;
use crate::auth::Secret;

/// How long a person may take to unlock the keyring; nobody may be there to do it.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest that is read of what the program says, in bytes.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// Why the keyring could not be used. It holds no secrets.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no such program.
    #[error("there is no program `keyring` on the PATH")]
    Missing,
    /// It can't be run.
    #[error("can't run `{}`", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It did not end.
    #[error("`keyring` did not answer within {} seconds", PATIENCE.as_secs())]
    TimedOut,
    /// It said no.
    #[error("`keyring {operation}` failed{}", said_after(said))]
    Failed {
        /// What was asked for: `set`, `get` or `del`.
        operation: &'static str,
        /// The last line of what it said.
        said: String,
    },
    /// It took the password and doesn't have it, as the backend `null` does.
    #[error("`keyring` took the password but does not have it afterwards")]
    NotKept,
}

fn said_after(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    }
}

/// The program.
#[derive(Debug, Clone)]
pub struct Keyring {
    program: PathBuf,
}

impl Keyring {
    /// Looks for the program.
    ///
    /// # Errors
    /// [`KeyringError::Missing`].
    pub fn find(environment: &Environment) -> Result<Self, KeyringError> {
        let program = environment.program("keyring").ok_or(KeyringError::Missing)?;
        Ok(Self { program })
    }

    /// Stores a password, and makes sure that it is there.
    ///
    /// # Errors
    /// The program could not be run, said no, or didn't keep the password.
    pub fn store(&self, service: &str, username: &str, password: &Secret) -> Result<(), KeyringError> {
        self.run("set", service, username, Some(password))?
            .success("set")?;
        match self.password(service, username)? {
            Some(kept) if kept.matches(password) => Ok(()),
            _ => Err(KeyringError::NotKept),
        }
    }

    /// The password of a user, if there is one.
    ///
    /// # Errors
    /// The program could not be run, or complained.
    pub fn password(&self, service: &str, username: &str) -> Result<Option<Secret>, KeyringError> {
        let answer = self.run("get", service, username, None)?;
        // Without a password the program fails and says nothing.
        if !answer.succeeded && answer.said.is_empty() {
            return Ok(None);
        }
        let password = answer.success("get")?;
        let password = password.strip_suffix('\n').unwrap_or(&password);
        let password = password.strip_suffix('\r').unwrap_or(password);
        Ok((!password.is_empty()).then(|| Secret::new(password)))
    }

    /// The user and the password that a service has, if it has one. Not every backend can tell, and programs of before
    /// 2024 can't be asked; that counts as having none.
    ///
    /// # Errors
    /// The program could not be run.
    pub fn login(&self, service: &str) -> Result<Option<(String, Secret)>, KeyringError> {
        let answer = self.call(
            &["--mode", "creds", "--output", "json", "get", "--", service],
            None,
        )?;
        if !answer.succeeded {
            return Ok(None);
        }
        let login: Option<Login> = serde_json::from_str(answer.output.trim()).ok();
        Ok(login
            .filter(|login| !login.username.is_empty() && !login.password.is_empty())
            .map(|login| (login.username, Secret::new(login.password))))
    }

    /// Removes the password of a user; one that isn't there is no error. Tells whether there was one.
    ///
    /// # Errors
    /// The program could not be run, or complained.
    pub fn forget(&self, service: &str, username: &str) -> Result<bool, KeyringError> {
        if self.password(service, username)?.is_none() {
            return Ok(false);
        }
        self.run("del", service, username, None)?.success("del")?;
        Ok(true)
    }

    fn run(
        &self,
        operation: &'static str,
        service: &str,
        username: &str,
        input: Option<&Secret>,
    ) -> Result<Answer, KeyringError> {
        self.call(&[operation, "--", service, username], input)
    }

    fn call(&self, arguments: &[&str], input: Option<&Secret>) -> Result<Answer, KeyringError> {
        let start_error = |source| KeyringError::Start {
            program: self.program.clone(),
            source,
        };
        let mut command = Command::new(&self.program);
        for name in SECRET_VARIABLES {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(start_error)?;
        let stdout = child.stdout.take().map(read_in_background);
        let stderr = child.stderr.take().map(read_in_background);
        if let (Some(mut stdin), Some(password)) = (child.stdin.take(), input) {
            // A program that doesn't read its input says so by how it ends.
            let _ = stdin.write_all(password.expose().as_bytes());
        }
        let succeeded = wait(&mut child).map_err(start_error)?;
        let succeeded = succeeded.ok_or(KeyringError::TimedOut)?;
        let text = |pipe: Option<JoinHandle<Zeroizing<String>>>| {
            pipe.and_then(|pipe| pipe.join().ok()).unwrap_or_default()
        };
        let complaint = text(stderr);
        Ok(Answer {
            succeeded,
            output: text(stdout),
            said: complaint
                .trim()
                .lines()
                .last()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        })
    }
}

/// What the program says of a login.
#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

/// How the program ended.
struct Answer {
    succeeded: bool,
    output: Zeroizing<String>,
    said: String,
}

impl Answer {
    fn success(self, operation: &'static str) -> Result<Zeroizing<String>, KeyringError> {
        if self.succeeded {
            return Ok(self.output);
        }
        Err(KeyringError::Failed {
            operation,
            said: self.said,
        })
    }
}

fn read_in_background(pipe: impl Read + Send + 'static) -> JoinHandle<Zeroizing<String>> {
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        // What came before an error is all there is.
        let _ = pipe.take(MAX_ANSWER_BYTES).read_to_end(&mut bytes);
        Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
    })
}

/// Whether it succeeded; `None` when it had to be ended.
fn wait(child: &mut Child) -> io::Result<Option<bool>> {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
