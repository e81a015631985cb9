//! The identity that a CI system gives its jobs: which system this is, and where the job's identity token comes from.
//!
//! What each system offers is what its documentation says to look for in a job's environment. A token is made out to
//! an audience, which the index names.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use url::Url;

use super::Environment;
use crate::auth::Secret;

/// Variables that may hold a password, which no other program needs to see.
pub const SECRET_VARIABLES: [&str; 2] = ["PKGCTL_PASSWORD", "TWINE_PASSWORD"];

/// A CI system whose jobs can prove their identity.
#[derive(Debug, Clone)]
pub enum Ambient {
    /// GitHub Actions: asked over HTTP, with the job's own bearer token.
    GitHub {
        /// What to ask.
        url: Url,
        /// The right to ask.
        bearer: Secret,
    },
    /// GitLab: the token is in a variable that is named after the audience.
    GitLab,
    /// Buildkite: its agent is asked.
    Buildkite(PathBuf),
    /// `CircleCI`: its program is asked.
    CircleCi(PathBuf),
}

/// Why a job has no identity token.
#[derive(Debug, thiserror::Error)]
pub enum AmbientError {
    /// The variable is not there.
    #[error("the job has no variable `{0}`")]
    NoVariable(String),
    /// The program can't be run.
    #[error("can't run `{}`", .0.display())]
    Start(PathBuf, #[source] io::Error),
    /// The program said no.
    #[error("`{}` gave no token: {said}", .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// The last line of what it said.
        said: String,
    },
}

impl Ambient {
    /// The CI system that this process runs in; `Err` says what its job lacks.
    #[must_use]
    pub fn detect(environment: &Environment) -> Option<Result<Self, String>> {
        let program = |name: &str, found: fn(PathBuf) -> Self| {
            let missing = || format!("there is no program `{name}` on the PATH");
            Some(environment.program(name).map(found).ok_or_else(missing))
        };
        if environment.var("GITHUB_ACTIONS").is_some() {
            return Some(github(environment));
        }
        if environment.var("GITLAB_CI").is_some() {
            return Some(Ok(Self::GitLab));
        }
        if environment.var("BUILDKITE").is_some() {
            return program("buildkite-agent", Self::Buildkite);
        }
        if environment.var("CIRCLECI").is_some() {
            return program("circleci", Self::CircleCi);
        }
        None
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::GitHub { .. } => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::Buildkite(_) => "Buildkite",
            Self::CircleCi(_) => "CircleCI",
        }
    }

    /// The token, where it can be had without the network. `None` for GitHub, which has to be asked.
    ///
    /// # Errors
    /// [`AmbientError`].
    pub fn identity(
        &self,
        environment: &Environment,
        audience: &str,
    ) -> Option<Result<Secret, AmbientError>> {
        match self {
            Self::GitHub { .. } => None,
            Self::GitLab => {
                let name = variable_for(audience);
                let token = environment.var(&name).map(Secret::new);
                Some(token.ok_or(AmbientError::NoVariable(name)))
            }
            Self::Buildkite(program) => Some(said_by(
                program,
                &["oidc", "request-token", "--audience", audience],
            )),
            Self::CircleCi(program) => {
                let claims = serde_json::json!({ "aud": audience }).to_string();
                Some(said_by(program, &["run", "oidc", "get", "--claims", &claims]))
            }
        }
    }
}

fn github(environment: &Environment) -> Result<Ambient, String> {
    let names = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
    let [Some(url), Some(bearer)] = names.map(|name| environment.var(name)) else {
        return Err("the job has no right to an identity; give it `permissions: id-token: write`".to_owned());
    };
    let url = url
        .parse()
        .map_err(|_| format!("{} is not an address", names[0]))?;
    Ok(Ambient::GitHub {
        url,
        bearer: Secret::new(bearer),
    })
}

/// `PYPI_ID_TOKEN` for the audience `pypi`.
fn variable_for(audience: &str) -> String {
    let letters = audience.chars();
    let upper = letters.map(|letter| {
        if letter.is_ascii_alphanumeric() {
            letter.to_ascii_uppercase()
        } else {
            '_'
        }
    });
    upper.chain("_ID_TOKEN".chars()).collect()
}

fn said_by(program: &PathBuf, arguments: &[&str]) -> Result<Secret, AmbientError> {
    let mut command = Command::new(program);
    for name in SECRET_VARIABLES {
        command.env_remove(name);
    }
    let output = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|source| AmbientError::Start(program.clone(), source))?;
    let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !token.is_empty() {
        return Ok(Secret::new(token));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(AmbientError::Program {
        program: program.clone(),
        said: complaint
            .trim()
            .lines()
            .last()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::for_testing(Path::new("/nowhere"), variables)
    }

    #[test]
    fn systems_are_told_by_their_variables() {
        let detect = |variables: &[(&str, &str)]| {
            let found = Ambient::detect(&environment(variables));
            found.map(|found| found.map(|ambient| ambient.name()))
        };
        assert_eq!(detect(&[]), None);
        assert_eq!(detect(&[("GITLAB_CI", "true")]), Some(Ok("GitLab CI")));
        let github = [
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x/y?a=b"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
        ];
        assert_eq!(detect(&github), Some(Ok("GitHub Actions")));
        let lacking = detect(&github[..1]).unwrap().unwrap_err();
        assert!(lacking.contains("id-token: write"), "{lacking}");
        assert!(matches!(
            detect(&[("BUILDKITE", "true"), ("PATH", "/nowhere")]),
            Some(Err(_))
        ));
    }

    #[test]
    fn gitlab_names_its_variable_after_the_audience() {
        let job = environment(&[("GITLAB_CI", "true"), ("INDEX_EXAMPLE_COM_ID_TOKEN", "jwt")]);
        let token = |audience| Ambient::GitLab.identity(&job, audience).unwrap();
        assert_eq!(token("index.example-com").unwrap().expose(), "jwt");
        assert_eq!(
            token("pypi").unwrap_err().to_string(),
            "the job has no variable `PYPI_ID_TOKEN`"
        );
    }
}
