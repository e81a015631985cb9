use std::os::unix::fs::symlink;
use std::sync::mpsc::channel;

use super::*;
use crate::packaging::pyproject::BuildRequirement;
use crate::pep517::index_settings::IndexSettings;
use crate::pep517::installer::InstallerChoice;
use crate::pep517::interpreter::Interpreter;
use crate::pep517::variables::Variables;

/// A cache in a folder of its own, with all that its keys are made of.
struct Bench {
    folder: tempfile::TempDir,
    interpreter: Interpreter,
    variables: Variables,
    limits: CacheLimits,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            interpreter: Interpreter::for_testing("/bin/sh"),
            variables: Variables::without_credentials(std::iter::empty()),
            limits: CacheLimits::default(),
        }
    }

    fn cache(&self) -> EnvironmentCache {
        EnvironmentCache::new(self.folder.path(), self.limits)
    }

    fn with_parts<T>(&self, requirements: &[&str], act: impl FnOnce(&KeyParts<'_>) -> T) -> T {
        let requirements: Vec<BuildRequirement> = requirements
            .iter()
            .map(|text| BuildRequirement::parse(text).unwrap())
            .collect();
        act(&KeyParts {
            interpreter: &self.interpreter,
            installer: InstallerChoice::Auto,
            indexes: &IndexSettings::default(),
            variables: &self.variables,
            requirements: &requirements,
        })
    }

    fn key(&self, requirements: &[&str]) -> Option<String> {
        self.with_parts(requirements, |parts| {
            parts.key().map(|key| key.as_str().to_owned())
        })
    }

    fn check_out(&self, requirements: &[&str]) -> Checkout {
        self.with_parts(requirements, |parts| {
            self.cache()
                .check_out(&parts.key().unwrap(), &Interrupt::default())
                .unwrap()
        })
    }

    /// Makes the environment, with a file in it, and gives its folder.
    fn make(&self, requirements: &[&str]) -> PathBuf {
        let Checkout::Missing(making) = self.check_out(requirements) else {
            panic!("it is there already")
        };
        let folder = making.folder.clone();
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::create_dir_all(folder.join("lib/tool")).unwrap();
        symlink("/bin/sh", folder.join("bin/python")).unwrap();
        fs::write(folder.join("lib/tool/code.py"), "1").unwrap();
        self.with_parts(requirements, |parts| making.finish(parts).unwrap());
        folder
    }

    #[track_caller]
    fn expect_ready(&self, requirements: &[&str]) -> Lease {
        match self.check_out(requirements) {
            Checkout::Ready(lease) => lease,
            Checkout::Missing(_) => panic!("it is not there"),
            Checkout::Busy => panic!("it is busy"),
        }
    }

    #[track_caller]
    fn expect_missing(&self, requirements: &[&str]) -> Making {
        match self.check_out(requirements) {
            Checkout::Missing(making) => making,
            Checkout::Ready(lease) => panic!("{} is there", lease.folder.display()),
            Checkout::Busy => panic!("it is busy"),
        }
    }

    /// The names beside the locks.
    fn names(&self) -> Vec<String> {
        let mut names = self.cache().names().unwrap();
        names.retain(|name| !name.ends_with(".lock"));
        names
    }
}

#[test]
fn what_was_made_is_found_whatever_the_order_and_the_blanks() {
    let bench = Bench::new();
    let folder = bench.make(&["setuptools >= 61", "wheel"]);
    assert_eq!(bench.expect_ready(&["wheel", "setuptools>=61"]).folder, folder);
    drop(bench.expect_missing(&["setuptools>=62", "wheel"]));
    assert_eq!(bench.names().len(), 2, "nothing is left of what was not finished");
}

#[test]
fn each_thing_that_makes_a_difference_is_in_the_key() {
    let mut bench = Bench::new();
    let key = bench.key(&["a==1"]).unwrap();
    assert_eq!(bench.key(&["a==1"]).unwrap(), key);
    bench.interpreter = Interpreter::for_testing("/bin/cat");
    assert_ne!(bench.key(&["a==1"]).unwrap(), key);
    bench = Bench::new();
    let constraint = bench.folder.path().join("constraints.txt");
    let with = |name: &str, value: &str| {
        let variables = Variables::without_credentials(std::iter::once((name.as_ref(), value.as_ref())));
        let bench = Bench {
            variables,
            ..Bench::new()
        };
        bench.key(&["a==1"]).unwrap()
    };
    assert_ne!(with("PIP_INDEX_URL", "http://other/"), key);
    assert_eq!(with("PIP_CACHE_DIR", "/elsewhere"), key);
    assert_eq!(with("HOME", "/elsewhere"), key);
    fs::write(&constraint, "a<2").unwrap();
    let first = with("PIP_CONSTRAINT", constraint.to_str().unwrap());
    fs::write(&constraint, "a<3").unwrap();
    assert_ne!(with("PIP_CONSTRAINT", constraint.to_str().unwrap()), first);
    assert_eq!(
        bench.key(&["a @ file:///a.whl"]),
        None,
        "an address says nothing of its content"
    );
}

#[test]
fn one_that_a_backend_has_written_into_is_made_anew() {
    let bench = Bench::new();
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("a new file", |folder| {
            fs::write(folder.join("lib/new.py"), "").unwrap()
        }),
        ("a new folder", |folder| {
            fs::create_dir(folder.join("lib/new")).unwrap()
        }),
        ("another content", |folder| {
            fs::write(folder.join("lib/tool/code.py"), "2").unwrap()
        }),
        ("a file less", |folder| {
            fs::remove_file(folder.join("lib/tool/code.py")).unwrap()
        }),
        ("no interpreter", |folder| {
            fs::remove_file(folder.join("bin/python")).unwrap()
        }),
    ];
    for (what, harm) in harms {
        let folder = bench.make(&["a"]);
        let lease = bench.expect_ready(&["a"]);
        harm(&folder);
        assert!(!lease.is_untouched(), "{what}");
        assert!(
            matches!(bench.check_out(&["a"]), Checkout::Busy),
            "{what}: while it is used, it stays"
        );
        drop(lease);
        drop(bench.expect_missing(&["a"]));
        assert!(!folder.exists(), "{what}");
    }
    let folder = bench.make(&["a"]);
    fs::create_dir(folder.join("lib/tool/__pycache__")).unwrap();
    fs::write(folder.join("lib/tool/__pycache__/code.pyc"), "compiled").unwrap();
    bench.expect_ready(&["a"]);
}

#[test]
fn what_a_killed_build_has_left_counts_for_nothing() {
    let bench = Bench::new();
    // As if the process had died: neither finished nor tidied up, but the lock is gone.
    let mut making = bench.expect_missing(&["a"]);
    fs::write(making.folder.join("half"), "").unwrap();
    let left = making.folder.clone();
    making.finished = true;
    drop(making);
    assert!(left.exists());
    let folder = bench.make(&["a"]);
    assert!(!left.exists() && folder.exists());
    for record in ["", "{}", "{\"environment\": \"../..\"}"] {
        let path = bench.cache().record_path(&bench.key(&["a"]).unwrap());
        fs::write(path, record).unwrap();
        drop(bench.expect_missing(&["a"]));
        bench.make(&["a"]);
    }
}

#[test]
fn a_second_build_waits_for_the_first_and_shares_what_it_made() {
    let bench = Bench::new();
    let making = bench.expect_missing(&["a"]);
    std::thread::scope(|scope| {
        let (sender, answers) = channel();
        scope.spawn(|| {
            let sender = sender;
            sender.send("begun").unwrap();
            let lease = bench.expect_ready(&["a"]);
            sender.send("got it").unwrap();
            drop(lease);
        });
        assert_eq!(answers.recv().unwrap(), "begun");
        fs::create_dir_all(making.folder.join("bin")).unwrap();
        symlink("/bin/sh", making.folder.join("bin/python")).unwrap();
        assert!(answers.try_recv().is_err(), "it is not complete");
        bench.with_parts(&["a"], |parts| making.finish(parts).unwrap());
        assert_eq!(answers.recv().unwrap(), "got it");
    });
}

#[test]
fn who_waits_can_be_interrupted() {
    let bench = Bench::new();
    let _making = bench.expect_missing(&["a"]);
    let interrupt = Interrupt::default();
    interrupt.flag().store(true, std::sync::atomic::Ordering::SeqCst);
    let outcome = bench.with_parts(&["a"], |parts| {
        bench.cache().check_out(&parts.key().unwrap(), &interrupt)
    });
    assert_eq!(outcome.err().unwrap().kind(), io::ErrorKind::Interrupted);
}

#[test]
fn open_requirements_age_faster_than_pinned_ones() {
    let mut bench = Bench::new();
    bench.make(&["a==1.0"]);
    bench.make(&["a>=1.0"]);
    bench.make(&["a==1.*"]);
    bench.limits.fresh_for = Duration::ZERO;
    bench.expect_ready(&["a==1.0"]);
    drop(bench.expect_missing(&["a>=1.0"]));
    drop(bench.expect_missing(&["a==1.*"]));
}

#[test]
fn pruning_removes_what_is_too_old_or_too_much_and_spares_what_is_used() {
    let mut bench = Bench::new();
    let make_used = |requirement: &str, days_ago: u64| {
        bench.make(&[requirement]);
        let record = bench.cache().record_path(&bench.key(&[requirement]).unwrap());
        let time = SystemTime::now() - Duration::from_secs(days_ago * 86400);
        File::options()
            .write(true)
            .open(record)
            .unwrap()
            .set_modified(time)
            .unwrap();
    };
    for (requirement, days_ago) in [("a", 40), ("b", 20), ("c", 10), ("d", 1)] {
        make_used(requirement, days_ago);
    }
    let kept = bench.cache().kept().unwrap();
    let names: Vec<&str> = kept.iter().map(|kept| kept.requirements[0].as_str()).collect();
    assert_eq!(names, ["d", "c", "b", "a"]);
    let pruned = bench.cache().prune().unwrap();
    assert_eq!((pruned.environments, pruned.in_use), (1, 0));
    bench.limits.max_bytes = kept[0].bytes * 2;
    bench.cache().prune().unwrap();
    assert_eq!(bench.cache().kept().unwrap().len(), 2);
    let lease = bench.expect_ready(&["c"]);
    let pruned = bench.cache().clear().unwrap();
    assert_eq!((pruned.environments, pruned.in_use), (1, 1));
    assert!(lease.is_untouched());
    drop(lease);
    bench.cache().clear().unwrap();
    assert_eq!(bench.cache().names().unwrap(), [""; 0], "not even a lock is left");
}
