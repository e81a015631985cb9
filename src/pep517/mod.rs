//! Builds an sdist and a wheel through a project's PEP 517 backend.
//!
//! ```text
//! source ──> [build-system] ──> environment ──> hooks ──> scratch folder ──> verified ──> output folder
//! folder      packaging::        interpreter,    backend,                     archive      delivery
//! or sdist    pyproject          environment     hook_runner.py
//! ```
//!
//! Standards: PEP 517 and PEP 518 as the packaging specifications have them. The default is that of
//! `python -m build`: the sdist, then the wheel from the unpacked sdist, so that both hold the same.
//!
//! Whatever happens, the output folder holds either all artifacts of a run or is as it was; and a build that is
//! interrupted leaves no process and no temporary file behind. Nothing here prints: a watcher is told.

mod backend;
mod cache;
mod change;
mod claims;
mod conversation;
mod cycle;
mod delivery;
mod environment;
mod error;
mod identity;
mod index_settings;
mod installation;
mod installed;
mod installer;
mod interpreter;
mod known_interpreters;
mod process;
mod progress;
mod reproducible;
mod runner;
mod scratch;
mod session;
mod setup_py;
mod source;
mod variables;
mod workshop;

use std::path::PathBuf;

pub use backend::{ConfigSettings, Kind};
pub use cache::{CacheLimits, EnvironmentCache, Kept, Pruned};
pub use change::{Change, Difference};
pub use claims::Claims;
pub use delivery::Artifact;
pub use error::{Error, Reason};
pub use identity::Identity;
pub use index_settings::IndexSettings;
pub use installer::{Installer, InstallerChoice};
pub(crate) use interpreter::programs_on_path;
pub use interpreter::{Interpreter, OLDEST_PYTHON, OwnPip, PythonRequest, Unfit};
pub use process::{Interrupt, Transcript};
pub use progress::{Event, Step};
pub use source::Source;
pub use variables::Variables;

use process::Supervisor;
use scratch::Scratch;
use session::Place;
use source::Project;

/// What to build, from what, with what, and where to put it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The project or sdist.
    pub source: Source,
    /// Where the artifacts go; created if need be.
    pub output_folder: PathBuf,
    /// Which artifacts.
    pub plan: Plan,
    /// In which interpreter.
    pub python: PythonRequest,
    /// In which environment.
    pub isolation: Isolation,
    /// What the backend is told.
    pub settings: ConfigSettings,
    /// The variables of all programs that are run.
    pub variables: Variables,
    /// Where the user's pip looks for packages, so that uv looks there too.
    pub indexes: IndexSettings,
    /// Whether the project's older distributions are removed from the output folder once the new ones are there.
    pub clear: bool,
    /// Where environments are kept for the next build; `None` to make new ones.
    pub cache: Option<EnvironmentCache>,
    /// Whether all is built twice and compared byte for byte; what differs is an error.
    pub reproducible: bool,
    /// What the other builds of the same run make; they share one list.
    pub claims: Claims,
    /// The folder, created if need be, that an sdist goes to when it was built and its wheel could not be.
    pub leftovers: Option<PathBuf>,
}

/// What a build has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The new distributions, in the order in which they were built.
    pub artifacts: Vec<Artifact>,
    /// The project's distributions that lay in the output folder before and are none of these: older versions, or
    /// another kind. With [`Request::clear`] they are gone now.
    pub older: Vec<PathBuf>,
}

/// Which artifacts are built, and from what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    /// The sdist, and the wheel from it. From a source that is an sdist already: the wheel.
    #[default]
    SdistThenWheel,
    /// The sdist alone.
    Sdist,
    /// The wheel alone, from the project's folder.
    Wheel,
    /// Both, each from the project's folder.
    Both,
}

/// The environment that the backend runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// A new one that holds the build requirements and nothing else.
    Isolated(InstallerChoice),
    /// The interpreter's own; `check` wants it to hold the build requirements.
    Unisolated {
        /// Whether missing requirements are an error.
        check: bool,
    },
    /// The interpreter's own, and no backend: `setup.py` is run as a program. [`Request::settings`] are told to nobody.
    SetupPy,
}

/// The interpreter that a build would use when none is named, and the pip that it has.
///
/// # Errors
/// [`Error::NoInterpreter`] with what was tried and why it would not do.
pub fn find_interpreter(
    variables: &Variables,
    interrupt: &Interrupt,
) -> Result<(Interpreter, OwnPip), Error> {
    let supervisor = Supervisor {
        interrupt,
        watcher: &|_| (),
    };
    let interpreter = Interpreter::find(&PythonRequest::Any, None, variables, &supervisor)?;
    let own = interpreter.own_pip(variables, &supervisor)?;
    Ok((interpreter, own))
}

/// Builds what `request` says, tells `watcher` what happens, and gives what now lies in the output folder.
///
/// # Errors
/// [`Error`]; the output folder is then as it was, but for [`Error::Clearing`].
pub fn build(request: &Request, interrupt: &Interrupt, watcher: &dyn Fn(Event<'_>)) -> Result<Built, Error> {
    let supervisor = Supervisor { interrupt, watcher };
    let tree = match &request.source {
        Source::Folder(folder) => Some(Project::open(folder)?),
        Source::Sdist { path, .. } if matches!(request.plan, Plan::Sdist | Plan::Both) => {
            return Err(Error::SdistOfSdist { path: path.clone() });
        }
        Source::Sdist { .. } => None,
    };
    delivery::check_writable(&request.output_folder)?;
    let known = request.cache.as_ref().map(EnvironmentCache::interpreters);
    let interpreter = Interpreter::find(&request.python, known.as_ref(), &request.variables, &supervisor)?;
    let place = Place {
        interpreter: &interpreter,
        supervisor: &supervisor,
    };
    let scratch = Scratch::create("pkgctl-build-")?;
    let staged = place.stage(request, tree.as_ref(), &scratch)?;
    if request.reproducible {
        // A path of another length, should one end up in an archive.
        let scratch = Scratch::create("pkgctl-build-again-")?;
        reproducible::wait_for_another_time(interrupt)?;
        supervisor.begin(&Step::BuildAgain);
        let again = place.stage(request, tree.as_ref(), &scratch)?;
        reproducible::compare(&staged, &again, &request.variables)?;
    }
    if interrupt.is_set() {
        return Err(Error::Interrupted);
    }
    let folder = &request.output_folder;
    request.claims.take(&staged, folder, request.source.path())?;
    let artifacts = delivery::deliver(&staged, folder)?;
    let failed = |source| Error::Clearing {
        folder: folder.clone(),
        source,
    };
    let older = match delivery::older(folder, &artifacts) {
        // Who did not ask does not care.
        Err(_) if !request.clear => Vec::new(),
        older => older.map_err(failed)?,
    };
    let older: Vec<PathBuf> = older
        .into_iter()
        .filter(|path| !request.claims.hold(path))
        .collect();
    if request.clear {
        for path in &older {
            std::fs::remove_file(path).map_err(failed)?;
        }
    }
    Ok(Built { artifacts, older })
}
