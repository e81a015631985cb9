//! `pkgctl build a b c`: several projects side by side, each with its name before every line that it says.
//!
//! A project that fails does not hold up the others. What can be seen beforehand to make no sense, such as a project
//! that is named twice, stops the run before anything is built.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::arguments::Arguments;
use super::stop_signals::StopSignals;
use super::telling::{Talk, described, document, step_style, told_of_older};
use super::{failure_of, list};
use crate::config::{Environment, OutputMask};
use crate::failure::Failure;
use crate::pep517::{self, Built, Error, Identity, Request};
use crate::terminal::steps::StepBoard;
use crate::terminal::{counted, data, note};

/// Builds all of `requests`, which are in the order of the words.
///
/// # Errors
/// The projects can't be built side by side, or at least one of them could not be built.
pub(super) fn run(
    arguments: &Arguments,
    requests: Vec<Request>,
    environment: &Environment,
) -> Result<ExitCode, Failure> {
    let projects: Vec<Project> = arguments
        .sources
        .iter()
        .zip(requests)
        .map(|(word, request)| Project::new(word, request))
        .collect();
    refuse_twins(&projects)?;
    refuse_same_release(&projects)?;
    let indexes = projects
        .iter()
        .flat_map(|project| project.request.indexes.addresses());
    let run = Run {
        projects: &projects,
        signals: StopSignals::watch()?,
        mask: OutputMask::new(environment, indexes),
        board: StepBoard::new(step_style(environment, arguments.verbose)),
        cache_folder: arguments.kept.folder(environment),
        is_verbose: arguments.verbose,
        clears: arguments.clear,
        next: AtomicUsize::new(0),
    };
    let outcomes = run.with_workers(arguments.jobs);
    run.report(&outcomes, arguments.json, environment.working_dir())
}

/// One of the projects.
struct Project {
    /// As the user has typed it, which tells it from all others.
    label: String,
    request: Request,
    identity: Identity,
}

impl Project {
    fn new(word: &Path, request: Request) -> Self {
        Self {
            label: word.display().to_string(),
            identity: Identity::of(&request.source),
            request,
        }
    }

    fn real_path(&self) -> PathBuf {
        let path = self.request.source.path();
        fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
    }

    /// The output folder, which need not exist yet, in the one spelling that can be compared.
    fn real_output_folder(&self) -> PathBuf {
        let folder = &self.request.output_folder;
        let real = |path: &Path| {
            let below = folder.strip_prefix(path).ok()?;
            Some(fs::canonicalize(path).ok()?.join(below))
        };
        folder
            .ancestors()
            .find_map(real)
            .unwrap_or_else(|| folder.clone())
    }
}

fn refuse_twins(projects: &[Project]) -> Result<(), Failure> {
    let mut seen = BTreeMap::new();
    for project in projects {
        if let Some(other) = seen.insert(project.real_path(), &project.label) {
            let label = &project.label;
            let headline = if other == label {
                format!("`{label}` is named twice")
            } else {
                format!("`{other}` and `{label}` are the same project")
            };
            return Err(Failure::usage(headline).hint("name each project once"));
        }
    }
    Ok(())
}

/// Two builds that would make the same files in one folder, as far as their files tell.
fn refuse_same_release(projects: &[Project]) -> Result<(), Failure> {
    let mut seen = BTreeMap::new();
    for project in projects {
        let (Some(name), Some(version)) = (&project.identity.name, &project.identity.version) else {
            continue;
        };
        let folder = project.real_output_folder();
        let key = (folder, name.clone(), version.clone());
        if let Some(other) = seen.insert(key, &project.label) {
            let (label, folder) = (&project.label, project.request.output_folder.display());
            return Err(
                Failure::usage(format!("`{other}` and `{label}` are both {name} {version}"))
                    .because(format!("both would go to `{folder}`"))
                    .hint("build one of the two, or each with an `--outdir` of its own"),
            );
        }
    }
    Ok(())
}

/// How one project went; `None` when it was not begun, because the user stopped the run.
type Outcome = Option<Result<Built, Failed>>;

/// What is left of an error once it is told.
struct Failed {
    failure: Failure,
    is_interrupt: bool,
}

struct Run<'a> {
    projects: &'a [Project],
    signals: StopSignals,
    mask: OutputMask,
    board: StepBoard,
    cache_folder: Option<PathBuf>,
    is_verbose: bool,
    clears: bool,
    /// The project that the next free worker takes.
    next: AtomicUsize,
}

impl Run<'_> {
    /// Builds all projects, at most `jobs` at a time, and gives the outcomes in the projects' order.
    fn with_workers(&self, jobs: Option<NonZeroUsize>) -> Vec<Outcome> {
        let jobs = jobs
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get)
            .min(self.projects.len());
        let outcomes: Vec<Mutex<Outcome>> = self.projects.iter().map(|_| Mutex::default()).collect();
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    while let Some((project, slot)) = self.take(&outcomes) {
                        let outcome = self.build(project);
                        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
                    }
                });
            }
        });
        outcomes
            .into_iter()
            .map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect()
    }

    fn take<'s>(&self, slots: &'s [Mutex<Outcome>]) -> Option<(&Project, &'s Mutex<Outcome>)> {
        if self.signals.interrupt().is_set() {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        self.projects.get(index).zip(slots.get(index))
    }

    fn build(&self, project: &Project) -> Result<Built, Failed> {
        let cache_folder = self.cache_folder.as_deref();
        let name = Some(&*project.label);
        let talk = Talk::begin(&self.board, name, &self.mask, cache_folder, self.is_verbose);
        let request = Request {
            leftovers: talk.folder(),
            ..project.request.clone()
        };
        let outcome = pep517::build(&request, self.signals.interrupt(), &|event| talk.hear(&event));
        outcome
            .inspect(|built| talk.say(&told_of(built, self.clears, self.is_verbose)))
            .map_err(|error| self.tell_failure(&error, &request, &talk))
    }

    fn tell_failure(&self, error: &Error, request: &Request, talk: &Talk<'_>) -> Failed {
        let is_interrupt = matches!(error, Error::Interrupted);
        let failure = failure_of(error, request, &self.mask);
        talk.end_with(error);
        if !is_interrupt {
            talk.say(failure.render().trim_end());
        }
        Failed {
            failure,
            is_interrupt,
        }
    }

    /// Prints what was made, and gives the failure that sums up what was not.
    fn report(&self, outcomes: &[Outcome], as_json: bool, working_dir: &Path) -> Result<ExitCode, Failure> {
        if as_json {
            self.print_json(outcomes)?;
        } else {
            let built = outcomes.iter().flatten().flatten();
            let artifacts: Vec<_> = built.flat_map(|built| built.artifacts.iter().cloned()).collect();
            list(&artifacts, working_dir)?;
        }
        let all = self.projects.len();
        let made = outcomes.iter().flatten().flatten().count();
        let failed: Vec<(&str, &Failed)> = self.failed(outcomes).collect();
        let is_stopped =
            outcomes.iter().any(Option::is_none) || failed.iter().any(|(_, failed)| failed.is_interrupt);
        if is_stopped {
            let failure = Failure::interrupted(format!("interrupted; {made} of {all} projects were built"));
            return Err(match self.signals.number() {
                Some(number) => failure.by_signal(number),
                None => failure,
            });
        }
        if failed.is_empty() {
            note(format_args!("built {}", counted(all as u64, "project")));
            return Ok(ExitCode::SUCCESS);
        }
        let labels: Vec<&str> = failed.iter().map(|(label, _)| *label).collect();
        let labels = labels.join(", ");
        let mut sum = Failure::new(format!(
            "{} of {all} projects could not be built: {labels}",
            failed.len()
        ));
        for (label, failed) in failed {
            sum = sum.because(format!("{label}: {}", failed.failure.headline()));
        }
        Err(sum.hint("each one's own message, above, has its remedy; what could be built is in its place"))
    }

    fn failed<'s>(&'s self, outcomes: &'s [Outcome]) -> impl Iterator<Item = (&'s str, &'s Failed)> {
        let labels = self.projects.iter().map(|project| project.label.as_str());
        labels.zip(outcomes).filter_map(|(label, outcome)| match outcome {
            Some(Err(failed)) => Some((label, failed)),
            _ => None,
        })
    }

    /// The document of a single build, with the sources' names, and what failed.
    fn print_json(&self, outcomes: &[Outcome]) -> Result<(), Failure> {
        let (mut artifacts, mut older) = (Vec::new(), Vec::new());
        for (project, outcome) in self.projects.iter().zip(outcomes) {
            let Some(Ok(built)) = outcome else { continue };
            for artifact in &built.artifacts {
                let mut document = document(artifact);
                document["source"] = project.label.as_str().into();
                artifacts.push(document);
            }
            older.extend(built.older.iter().map(|path| path.to_string_lossy().into_owned()));
        }
        let failures: Vec<_> = self
            .failed(outcomes)
            .map(|(label, failed)| {
                serde_json::json!({
                    "source": label,
                    "error": failed.failure.headline(),
                    "causes": failed.failure.causes().collect::<Vec<_>>(),
                    "hint": failed.failure.remedy(),
                })
            })
            .collect();
        let key = if self.clears { "removed" } else { "older" };
        let document = serde_json::json!({"artifacts": artifacts, key: older, "failures": failures});
        data(format!("{document:#}\n"))
            .map_err(|error| Failure::new("can't print the artifacts").caused_by(&error))
    }
}

/// What one build has made, in the words of a single build.
fn told_of(built: &Built, clears: bool, is_detailed: bool) -> String {
    let mut lines: Vec<String> = built
        .artifacts
        .iter()
        .map(|artifact| format!("* made {}", described(artifact, is_detailed)))
        .collect();
    if !built.older.is_empty() {
        lines.push(told_of_older(&built.older, clears));
    }
    lines.join("\n")
}
