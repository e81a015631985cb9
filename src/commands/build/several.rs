//! `pkgctl build a b c`: several projects side by side, each with its name before every line that it says.
//!
//! A project that fails does not hold up the others. What can be seen beforehand to make no sense, such as a project
//! that is named twice, stops the run before anything is built.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::arguments::Arguments;
use super::{described, document, interrupt_on_signals, list, show, told_of_older};
use crate::config::Environment;
use crate::failure::Failure;
use crate::pep517::{self, Built, Error, Event, Identity, Interrupt, Request};
use crate::terminal::{counted, data};

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
    let run = Run {
        projects: &projects,
        interrupt: interrupt_on_signals()?,
        is_verbose: arguments.verbose,
        clears: arguments.clear,
        next: AtomicUsize::new(0),
        screen: Mutex::new(()),
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
        let key = (folder, name.clone(), version.to_string());
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
    interrupt: Interrupt,
    is_verbose: bool,
    clears: bool,
    /// The project that the next free worker takes.
    next: AtomicUsize,
    /// Held while something is printed, so that lines of two projects don't mix.
    screen: Mutex<()>,
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
        if self.interrupt.is_set() {
            return None;
        }
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        self.projects.get(index).zip(slots.get(index))
    }

    fn build(&self, project: &Project) -> Result<Built, Failed> {
        let label = &project.label;
        let unfinished = RefCell::new(Vec::new());
        let watcher = |event: Event<'_>| match event {
            Event::Step(step) => {
                self.end_line(label, &unfinished);
                self.say(label, &format!("* {step}"));
            }
            Event::Output(bytes) if self.is_verbose => self.pass_on(label, bytes, &unfinished),
            Event::Output(_) => {}
        };
        let outcome = pep517::build(&project.request, &self.interrupt, &watcher);
        self.end_line(label, &unfinished);
        match outcome {
            Ok(built) => {
                self.say(label, &told_of(&built, self.clears));
                Ok(built)
            }
            Err(error) => Err(self.tell_failure(label, error)),
        }
    }

    fn tell_failure(&self, label: &str, error: Error) -> Failed {
        let is_interrupt = matches!(error, Error::Interrupted);
        let transcript = error.unrepeated_transcript().filter(|_| !self.is_verbose);
        let failure = Failure::from(error);
        if !is_interrupt {
            let mut block = marked(label, "  | ", &transcript.unwrap_or_default());
            block.extend(marked(label, "", failure.render().as_bytes()));
            self.print(&block);
        }
        Failed {
            failure,
            is_interrupt,
        }
    }

    fn say(&self, label: &str, text: &str) {
        self.print(&marked(label, "", text.as_bytes()));
    }

    /// Prints the lines that are complete; the rest waits for its end.
    fn pass_on(&self, label: &str, bytes: &[u8], unfinished: &RefCell<Vec<u8>>) {
        let mut waiting = unfinished.borrow_mut();
        waiting.extend_from_slice(bytes);
        if let Some(end) = waiting.iter().rposition(|byte| *byte == b'\n') {
            let lines: Vec<u8> = waiting.drain(..=end).collect();
            self.print(&marked(label, "  | ", &lines));
        }
    }

    fn end_line(&self, label: &str, unfinished: &RefCell<Vec<u8>>) {
        let rest = std::mem::take(&mut *unfinished.borrow_mut());
        self.print(&marked(label, "  | ", &rest));
    }

    fn print(&self, block: &[u8]) {
        let _screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        show(block);
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
            return Err(Failure::interrupted(format!(
                "interrupted; {made} of {all} projects were built"
            )));
        }
        if failed.is_empty() {
            self.print(format!("built {}\n", counted(all as u64, "project")).as_bytes());
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
fn told_of(built: &Built, clears: bool) -> String {
    let mut lines: Vec<String> = built
        .artifacts
        .iter()
        .map(|artifact| format!("* made {}", described(artifact)))
        .collect();
    if !built.older.is_empty() {
        lines.push(told_of_older(&built.older, clears));
    }
    lines.join("\n")
}

/// Each line with the project's name before it, and all of them ended. Another program's lines need not be text.
fn marked(label: &str, gutter: &str, lines: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        block.extend_from_slice(format!("{label}: {gutter}").as_bytes());
        block.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        block.push(b'\n');
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_marked_and_ended() {
        assert_eq!(
            marked("a", "  | ", b"x\r\n\n\xff"),
            b"a:   | x\na:   | \na:   | \xff\n"
        );
        assert_eq!(marked("a", "", b""), b"");
    }
}
