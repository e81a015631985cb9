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
mod setup_py;
mod source;
mod variables;
mod workshop;

use std::cell::OnceCell;
use std::fs::File;
use std::path::{Path, PathBuf};

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

use backend::Backend;
use delivery::Staged;
use environment::BuildEnvironment;
use installed::Installed;
use process::Supervisor;
use scratch::Scratch;
use setup_py::SetupPy;
use source::Project;
use workshop::Workshop;

use crate::archive::{self, Limits};
use crate::packaging::DistFilename;
use crate::packaging::pyproject::BuildRequirement;

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

/// What all builds of a run are made with.
struct Place<'a> {
    interpreter: &'a Interpreter,
    supervisor: &'a Supervisor<'a>,
}

impl Place<'_> {
    /// Builds into the folder `scratch`; what is there then is verified.
    fn stage(
        &self,
        request: &Request,
        tree: Option<&Project>,
        scratch: &Scratch,
    ) -> Result<Vec<Staged>, Error> {
        let variables = request
            .variables
            .with_temporary_folder(&scratch.folder_for_children()?);
        let workshop = Workshop {
            interpreter: self.interpreter,
            choice: match request.isolation {
                Isolation::Isolated(choice) => choice,
                Isolation::Unisolated { .. } | Isolation::SetupPy => InstallerChoice::Pip,
            },
            tools: OnceCell::new(),
            indexes: &request.indexes,
            cache: request.cache.as_ref(),
            variables: &variables,
            supervisor: self.supervisor,
            folder: scratch.path(),
        };
        let mut session = Session {
            request,
            workshop,
            environment: None,
            made: 0,
        };
        session.run(tree)
    }
}

/// One build, from the first environment to the last verified file in the scratch folder.
struct Session<'a> {
    request: &'a Request,
    workshop: Workshop<'a>,
    /// The environment of the last hook, kept for the next if that asks for the same.
    environment: Option<BuildEnvironment>,
    /// How many environments there were.
    made: usize,
}

impl Session<'_> {
    fn run(&mut self, tree: Option<&Project>) -> Result<Vec<Staged>, Error> {
        if self.request.isolation == Isolation::SetupPy {
            return self.setup_py();
        }
        let Some(tree) = tree else {
            return self.wheel_of_given_sdist();
        };
        match self.request.plan {
            Plan::SdistThenWheel => self.sdist_then_wheel(tree),
            Plan::Sdist => Ok(vec![self.sdist(tree)?]),
            Plan::Wheel => Ok(vec![self.wheel(tree, false)?]),
            Plan::Both => {
                let sdist = self.sdist(tree)?;
                let wheel = self
                    .wheel(tree, false)
                    .and_then(|wheel| agreeing(&sdist.filename, wheel))
                    .map_err(|error| self.without_sdist(&sdist, error))?;
                Ok(vec![sdist, wheel])
            }
        }
    }

    /// The direct call, for all artifacts at once, as it is made by hand.
    fn setup_py(&self) -> Result<Vec<Staged>, Error> {
        let workshop = &self.workshop;
        let unpacked;
        let (folder, kinds) = match (&self.request.source, self.request.plan) {
            (Source::Folder(folder), Plan::SdistThenWheel | Plan::Both) => {
                (folder, &[Kind::Sdist, Kind::Wheel][..])
            }
            (Source::Folder(folder), Plan::Sdist) => (folder, &[Kind::Sdist][..]),
            (Source::Folder(folder), Plan::Wheel) => (folder, &[Kind::Wheel][..]),
            (Source::Sdist { path, filename }, _) => {
                workshop.supervisor.begin(&Step::Unpack { sdist: path });
                unpacked = source::unpack(path, filename, &workshop.folder.join("unpacked"))?;
                (&unpacked, &[Kind::Wheel][..])
            }
        };
        let setup_py = SetupPy {
            interpreter: workshop.interpreter,
            variables: workshop.variables,
            supervisor: workshop.supervisor,
        };
        let staged = setup_py.build(folder, kinds, &workshop.folder.join("dist"))?;
        for file in &staged {
            verify(&file.filename, &file.path)?;
        }
        match (&self.request.source, <[Staged; 2]>::try_from(staged)) {
            (_, Ok([sdist, wheel])) => {
                let wheel = agreeing(&sdist.filename, wheel)?;
                Ok(vec![sdist, wheel])
            }
            (Source::Folder(_), Err(staged)) => Ok(staged),
            (Source::Sdist { filename, .. }, Err(staged)) => staged
                .into_iter()
                .map(|wheel| agreeing(filename, wheel))
                .collect(),
        }
    }

    fn sdist_then_wheel(&mut self, tree: &Project) -> Result<Vec<Staged>, Error> {
        let sdist = match self.sdist(tree) {
            Ok(sdist) => sdist,
            // A backend may be unable to make sdists in some places, such as outside of a version control checkout.
            Err(Error::Unsupported { reason, .. }) => {
                self.workshop
                    .supervisor
                    .begin(&Step::SkipSdist { reason: &reason.0 });
                return Ok(vec![self.wheel(tree, false)?]);
            }
            Err(error) => return Err(error),
        };
        let wheel = self
            .wheel_of(&sdist.path, &sdist.filename)
            .map_err(|error| self.without_sdist(&sdist, error))?;
        Ok(vec![sdist, wheel])
    }

    /// Says of a failed wheel where its sdist is, which is of use to find out why.
    fn without_sdist(&self, sdist: &Staged, error: Error) -> Error {
        match error {
            Error::Interrupted => Error::Interrupted,
            error => Error::WheelFailed {
                sdist: sdist.filename.to_string(),
                kept: self
                    .request
                    .leftovers
                    .as_deref()
                    .and_then(|folder| delivery::keep(sdist, folder).ok()),
                source: Box::new(error),
            },
        }
    }

    fn wheel_of_given_sdist(&mut self) -> Result<Vec<Staged>, Error> {
        let Source::Sdist { path, filename } = &self.request.source else {
            return Ok(Vec::new());
        };
        self.workshop.supervisor.begin(&Step::Unpack { sdist: path });
        Ok(vec![self.wheel_of(path, filename)?])
    }

    fn wheel_of(&mut self, sdist: &Path, filename: &DistFilename) -> Result<Staged, Error> {
        let folder = source::unpack(sdist, filename, &self.workshop.folder.join("unpacked"))?;
        let wheel = self.wheel(&Project::open(&folder)?, true)?;
        agreeing(filename, wheel)
    }

    fn sdist(&mut self, project: &Project) -> Result<Staged, Error> {
        self.artifact(project, Kind::Sdist, &Step::BuildSdist)
    }

    fn wheel(&mut self, project: &Project, from_sdist: bool) -> Result<Staged, Error> {
        self.artifact(project, Kind::Wheel, &Step::BuildWheel { from_sdist })
    }

    fn artifact(&mut self, project: &Project, kind: Kind, step: &Step<'_>) -> Result<Staged, Error> {
        let backend = Backend {
            reference: &project.system.backend,
            project: &project.folder,
            settings: &self.request.settings,
            supervisor: self.workshop.supervisor,
            scratch: self.workshop.folder,
        };
        let environment = match self.request.isolation {
            Isolation::Isolated(_) => self.isolated(project, kind, &backend)?,
            Isolation::Unisolated { check } => self.unisolated(project, kind, &backend, check)?,
            Isolation::SetupPy => self.unisolated(project, kind, &backend, false)?,
        };
        self.workshop.supervisor.begin(step);
        let folder = self.workshop.folder.join(match kind {
            Kind::Sdist => "sdist",
            Kind::Wheel => "wheel",
        });
        let filename = backend.build(kind, &environment, &folder)?;
        self.environment = Some(environment);
        let path = folder.join(filename.as_str());
        verify(&filename, &path)?;
        Ok(Staged { filename, path })
    }

    /// An environment that holds exactly what building `kind` needs: the last one, if it can become that.
    fn isolated(
        &mut self,
        project: &Project,
        kind: Kind,
        backend: &Backend<'_>,
    ) -> Result<BuildEnvironment, Error> {
        let requires = &project.system.requires;
        self.refuse_cycle(project, requires, None)?;
        let mut environment = match self.environment.take() {
            Some(environment) if environment.holds_all(requires) && environment.is_untouched() => environment,
            // Before it asks for a kept one, it gives back its own.
            environment => {
                drop(environment);
                self.new_environment(requires)?
            }
        };
        let mut wanted: Vec<BuildRequirement> = requires.clone();
        let more = backend.requirements_for(kind, &environment)?;
        self.refuse_cycle(project, &more, Some(kind.requirements_hook()))?;
        wanted.extend(more);
        if environment.can_become(&wanted) {
            environment.add(&self.workshop, &wanted)?;
            return Ok(environment);
        }
        drop(environment);
        self.new_environment(&wanted)
    }

    /// Installers run into cycles at best late and at worst for ever, so none gets to see one.
    fn refuse_cycle(
        &self,
        project: &Project,
        requirements: &[BuildRequirement],
        hook: Option<&'static str>,
    ) -> Result<(), Error> {
        let workshop = &self.workshop;
        cycle::refuse(&project.folder, requirements, hook, &|requirement| {
            if requirement.marker.is_true() {
                return Ok(true);
            }
            let environment = BuildEnvironment::unisolated(workshop.interpreter, workshop.variables);
            let installed = Installed::query(&environment, workshop.supervisor)?;
            Ok(installed.applies(requirement))
        })
    }

    fn new_environment(&mut self, requirements: &[BuildRequirement]) -> Result<BuildEnvironment, Error> {
        self.made += 1;
        self.workshop
            .environment(requirements, &format!("environment-{}", self.made))
    }

    /// The interpreter's own environment, which must hold what building `kind` needs.
    fn unisolated(
        &mut self,
        project: &Project,
        kind: Kind,
        backend: &Backend<'_>,
        check: bool,
    ) -> Result<BuildEnvironment, Error> {
        let interpreter = self.workshop.interpreter;
        let environment = self.environment.take().unwrap_or_else(|| {
            self.workshop
                .supervisor
                .begin(&Step::UseEnvironment { interpreter });
            BuildEnvironment::unisolated(interpreter, self.workshop.variables)
        });
        if check {
            let installed = Installed::query(&environment, self.workshop.supervisor)?;
            let mut unmet = installed.unmet(&project.system.requires);
            // A backend that is not there can't be asked for more.
            if unmet.is_empty() {
                unmet = installed.unmet(&backend.requirements_for(kind, &environment)?);
            }
            if !unmet.is_empty() {
                return Err(Error::UnmetRequirements {
                    python: interpreter.executable.clone(),
                    unmet: Reason(unmet.join("\n")),
                });
            }
        }
        Ok(environment)
    }
}

/// Checks a file as an index would.
fn verify(filename: &DistFilename, path: &Path) -> Result<(), Error> {
    let file = File::open(path).map_err(Error::system("read what was built"))?;
    archive::inspect(filename, file, &Limits::default())
        .map(drop)
        .map_err(|source| Error::Unsound {
            filename: filename.to_string(),
            source,
        })
}

fn agreeing(sdist: &DistFilename, wheel: Staged) -> Result<Staged, Error> {
    if sdist.project() == wheel.filename.project() && sdist.version() == wheel.filename.version() {
        return Ok(wheel);
    }
    Err(Error::Disagreement {
        sdist: sdist.to_string(),
        wheel: wheel.filename.to_string(),
    })
}
