//! One build: which artifact is made of what, in which environment, and whether it is sound.

use std::cell::OnceCell;
use std::fs::File;
use std::path::Path;

use super::backend::{Backend, Kind};
use super::delivery::{self, Staged};
use super::environment::BuildEnvironment;
use super::error::{Error, Reason};
use super::installed::Installed;
use super::installer::InstallerChoice;
use super::interpreter::Interpreter;
use super::process::Supervisor;
use super::progress::Step;
use super::scratch::Scratch;
use super::setup_py::SetupPy;
use super::source::{self, Project, Source};
use super::workshop::Workshop;
use super::{Isolation, Plan, Request, cycle};
use crate::archive::{self, Limits};
use crate::packaging::DistFilename;
use crate::packaging::pyproject::BuildRequirement;

/// What all builds of a run are made with.
pub(super) struct Place<'a> {
    pub(super) interpreter: &'a Interpreter,
    pub(super) supervisor: &'a Supervisor<'a>,
}

impl Place<'_> {
    /// Builds into the folder `scratch`; what is there then is verified.
    pub(super) fn stage(
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
