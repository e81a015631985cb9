//! The Python process that has imported a backend and calls its hooks: `hook_runner.py`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::conversation::Conversation;
use super::process::{Finished, RunError, Supervisor};
use crate::packaging::Sha256;
use crate::packaging::pyproject::BackendReference;

const HOOK_RUNNER: &str = include_str!("hook_runner.py");

/// A running one, in some environment.
#[derive(Debug)]
pub(crate) struct Runner {
    conversation: Conversation,
    reference: BackendReference,
    project: PathBuf,
    /// The backend has read files of the project while it was imported, or comes from there.
    is_bound: bool,
}

impl Runner {
    /// Starts `python` on the script. `folders` are those of `backend-path`; `compiles` says that what Python compiles
    /// there is kept for the next build.
    pub(crate) fn start(
        mut python: Command,
        reference: &BackendReference,
        project: &Path,
        folders: &[PathBuf],
        compiles: bool,
        scratch: &Path,
    ) -> io::Result<Self> {
        let fence = fence()?;
        let folder = tempfile::Builder::new()
            .prefix("runner-")
            .tempdir_in(scratch)?
            .keep();
        let backend = json!({
            "backend": &*reference.entry_point,
            "backend_paths": folders,
            "fence": fence,
            // What comes from the project's own tree is not ours to write beside.
            "compiles": compiles && folders.is_empty(),
        });
        fs::write(folder.join("backend.json"), backend.to_string())?;
        let script = folder.join("hook_runner.py");
        fs::write(&script, HOOK_RUNNER)?;
        python.arg(script).arg(&folder).current_dir(project);
        Ok(Self {
            conversation: Conversation::start(python, &fence)?,
            reference: reference.clone(),
            project: project.to_owned(),
            is_bound: !folders.is_empty(),
        })
    }

    /// Whether it can call this backend's hooks for the project in that folder.
    pub(crate) fn serves(&self, reference: &BackendReference, project: &Path) -> bool {
        self.reference == *reference && (self.project == project || !self.is_bound)
    }

    /// Calls what `folder` says. The flag tells whether it can take another call.
    pub(crate) fn call(
        &mut self,
        folder: &Path,
        supervisor: &Supervisor<'_>,
    ) -> Result<(Finished, bool), RunError> {
        let question = folder
            .to_str()
            .ok_or_else(|| io::Error::other("the temporary folder's path is not Unicode"))?;
        let answered = self.conversation.ask(question, supervisor)?;
        self.is_bound |= answered.remark.as_deref() == Some("bound");
        Ok((answered.finished, answered.remark.is_some()))
    }
}

/// A word that no backend can guess, so that none can end its own output.
fn fence() -> io::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(Sha256::from_bytes(bytes).to_string())
}
