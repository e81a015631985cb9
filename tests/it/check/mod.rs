//! `pkgctl check`: verdicts, reasons and remedies.

use crate::support::distributions::{Builder, Distribution, sdist, wheel};
use crate::support::{Outcome, Testbed, tools};

mod renderings; // what passes and fails without docutils, beside docutils
mod twine; // each verdict beside that of a real twine

const MARKDOWN: (&str, &str) = ("Description-Content-Type", "text/markdown");

const PASSED: &str = "PASSED";
const WARNED: &str = "PASSED with warnings";
const FAILED: &str = "FAILED";

fn described(content_type: &str, text: &str) -> Builder {
    wheel("my-lib", "1.0")
        .header("Description-Content-Type", content_type)
        .description(text)
}

/// The last word of each file's line, by the file's name, in the order of the lines.
fn verdicts(stdout: &str) -> Vec<(String, String)> {
    let lines = stdout.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(_, verdict)| verdict.starts_with("PASSED") || verdict.starts_with("FAILED"))
        .map(|(path, verdict)| {
            let name = path.rsplit('/').next().unwrap();
            (name.to_owned(), verdict.trim().to_owned())
        })
        .collect()
}

#[test]
fn a_good_file_passes_without_a_word() {
    let bed = Testbed::new();
    described("text/markdown; charset=UTF-8; variant=GFM", "# Title\n")
        .build()
        .write_into(bed.path("dist"));
    sdist("my-lib", "1.0")
        .header(MARKDOWN.0, MARKDOWN.1)
        .build()
        .write_into(bed.path("dist"));
    let outcome = bed.run(["check", "--strict"]).expect_code(0);
    assert_eq!(
        outcome.stdout,
        "dist/my_lib-1.0-py3-none-any.whl: PASSED\ndist/my_lib-1.0.tar.gz: PASSED\n"
    );
    assert_eq!(outcome.stderr, "");
}

#[test]
fn each_bad_file_is_named_with_cause_and_remedy() {
    let bed = Testbed::new();
    let dist = bed.path("dist");
    let good = described("text/plain", "Fine.\n").build();
    let cut = Distribution {
        filename: "cut-1.0-py3-none-any.whl".to_owned(),
        bytes: good.bytes[..good.bytes.len() / 2].to_owned(),
    };
    let renamed = good.clone().renamed("my_lib-1.1-py3-none-any.whl");
    for file in [&good, &cut, &renamed] {
        file.write_into(&dist);
    }
    wheel("twice", "1.0")
        .metadata_version("2.4")
        .header(MARKDOWN.0, MARKDOWN.1)
        .header("License", "MIT")
        .header("License-Expression", "MIT")
        .build()
        .write_into(&dist);
    let outcome = bed.run(["check", "dist/"]).expect_code(1);
    assert_eq!(
        verdicts(&outcome.stdout)
            .iter()
            .map(|(name, verdict)| format!("{name} {verdict}"))
            .collect::<Vec<_>>(),
        [
            "cut-1.0-py3-none-any.whl FAILED",
            "my_lib-1.0-py3-none-any.whl PASSED with warnings",
            "my_lib-1.1-py3-none-any.whl FAILED",
            "twice-1.0-py3-none-any.whl FAILED",
        ]
    );
    for reason in [
        "error: `dist/cut-1.0-py3-none-any.whl`: ",
        "error: `dist/my_lib-1.1-py3-none-any.whl`: ",
        "warning: `dist/my_lib-1.0-py3-none-any.whl`: a newer version of the project, 1.1,",
        "error: `dist/twice-1.0-py3-none-any.whl`: its metadata hold both License and License-Expression",
        "hint: leave the License out",
    ] {
        assert!(outcome.stderr.contains(reason), "{reason}: {}", outcome.stderr);
    }
    assert_eq!(outcome.stderr.matches("hint: ").count(), 4, "{}", outcome.stderr);
}

#[test]
fn machines_read_json() {
    let bed = Testbed::new();
    described("text/markdown", "")
        .build()
        .write_into(bed.path("dist"));
    let read = |arguments: &[&str], code: i32| -> serde_json::Value {
        let outcome = bed
            .run([&["check", "--json"], arguments].concat())
            .expect_code(code);
        assert_eq!(outcome.stderr, "");
        serde_json::from_str(&outcome.stdout).unwrap()
    };
    let told = read(&[], 0);
    let file = &told["files"][0];
    assert_eq!(file["path"], "dist/my_lib-1.0-py3-none-any.whl");
    assert_eq!(file["filename"], "my_lib-1.0-py3-none-any.whl");
    assert_eq!(file["verdict"], "passed-with-warnings");
    assert_eq!(file["problems"][0]["severity"], "warning");
    assert_eq!(file["problems"][0]["code"], "description-missing");
    assert_eq!(file["problems"][0]["cause"], "it has no long description");
    assert!(file["problems"][0]["remedy"].as_str().unwrap().contains("readme"));
    let told = read(&["--strict"], 1);
    assert_eq!(told["files"][0]["verdict"], "failed-due-to-warnings");
}

#[test]
fn nothing_to_check_is_an_error_and_a_wrong_flag_another() {
    let bed = Testbed::new();
    bed.run(["check"]).expect_failure(1, "`dist`");
    bed.run(["check", "dist/*.whl"]).expect_failure(1, "dist/*.whl");
    bed.write("notes.txt", "x");
    bed.run(["check", "notes.txt"]).expect_failure(1, "notes.txt");
    bed.run(["check", "--lenient"]).expect_code(2);
}

#[test]
fn promised_license_files_are_looked_for_in_wheels_and_sdists() {
    let bed = Testbed::new();
    let licensed = |builder: Builder| {
        builder
            .metadata_version("2.4")
            .header(MARKDOWN.0, MARKDOWN.1)
            .header("License-File", "LICENSE")
            .header("License-File", "third/NOTICE")
    };
    let files = [
        licensed(wheel("a", "1")).file("a-1.dist-info/licenses/LICENSE", "x"),
        licensed(sdist("a", "1")).file("third/NOTICE", "x"),
        licensed(wheel("b", "1"))
            .file("b-1.dist-info/licenses/LICENSE", "x")
            .file("b-1.dist-info/licenses/third/NOTICE", "x"),
        licensed(sdist("b", "1"))
            .file("third/NOTICE", "x")
            .file("LICENSE", "x"),
    ];
    for file in files {
        file.build().write_into(bed.path("dist"));
    }
    let outcome = bed.run(["check"]).expect_code(1);
    let words: Vec<String> = verdicts(&outcome.stdout)
        .into_iter()
        .map(|(_, word)| word)
        .collect();
    assert_eq!(
        words,
        ["FAILED", "PASSED", "FAILED", "PASSED"],
        "{}",
        outcome.stderr
    );
    for path in ["a-1.dist-info/licenses/third/NOTICE", "a-1/LICENSE"] {
        let reason = format!("the member `{path}` is missing");
        assert!(outcome.stderr.contains(&reason), "{reason}: {}", outcome.stderr);
    }
}

#[test]
fn without_docutils_it_is_said_that_nothing_was_rendered() {
    let bed = Testbed::new();
    // A table is left to docutils.
    described("text/x-rst", "== ==\na  b\n== ==\n")
        .build()
        .write_into(bed.path("dist"));
    // A Python that is none, before no other.
    bed.write("bin/python3", "#!/bin/sh\nexit 3\n");
    let run = |arguments: &[&str]| {
        let mut command = bed.pkgctl([&["check"], arguments].concat());
        Outcome::of(command.env("PATH", bed.path("bin")))
    };
    let outcome = run(&[]).expect_code(0);
    assert!(
        outcome.stdout.ends_with("PASSED with warnings\n"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stderr.contains("was not rendered"), "{}", outcome.stderr);
    // Uploads are not stopped by that, but they say so, in one line.
    let mut command = bed.pkgctl(["publish", "--dry-run", "--repository-url", "http://127.0.0.1:9/"]);
    let outcome = Outcome::of(command.env("PATH", bed.path("bin")));
    let told = outcome
        .stderr
        .lines()
        .filter(|line| line.contains("was not rendered"));
    assert_eq!(told.count(), 1, "{}", outcome.stderr);
    run(&["--strict"]).expect_code(1);
    described("text/x-rst", "A title\n====\n")
        .build()
        .write_into(bed.path("dist"));
    let outcome = run(&[]).expect_code(1);
    assert!(
        outcome.stderr.contains("at line 2: Title underline too short"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_lies_in_the_current_folder_is_not_taken_for_docutils() {
    let Ok(twine) = tools::twine() else { return };
    let bed = Testbed::new();
    described("text/x-rst", "== ==\na  b\n== ==\n")
        .build()
        .write_into(bed.path("dist"));
    for module in ["docutils", "readme_renderer", "json", "io"] {
        bed.write(&format!("{module}.py"), "open('caught', 'w').close()\n");
    }
    let mut command = bed.pkgctl(["check", "--strict"]);
    command.env("PATH", twine.folder()).env("PYTHONPATH", bed.home());
    Outcome::of(&mut command).expect_code(0);
    assert!(!bed.path("caught").exists());
}

#[test]
fn without_a_description_its_type_is_not_missed() {
    let bed = Testbed::new();
    wheel("my-lib", "1.0")
        .description("")
        .build()
        .write_into(bed.path("dist"));
    let outcome = bed.run(["check"]).expect_code(0);
    assert_eq!(
        outcome.stderr.matches("warning: ").count(),
        1,
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("no long description"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_rendered_once_is_not_rendered_again() {
    let Ok(twine) = tools::twine() else { return };
    let bed = Testbed::new();
    let table = "== ==\na  b\n== ==\n";
    described("text/x-rst", table)
        .build()
        .write_into(bed.path("dist"));
    let kept = bed.path(".cache/pkgctl/rendered");
    let check = || {
        let mut command = bed.pkgctl(["check", "--strict"]);
        let begun = std::time::Instant::now();
        Outcome::of(command.env("PATH", twine.folder())).expect_code(0);
        begun.elapsed()
    };
    let first = check();
    let record = std::fs::read_dir(&kept).unwrap().next().unwrap().unwrap().path();
    let written = std::fs::metadata(&record).unwrap().modified().unwrap();
    let second = check();
    assert_eq!(std::fs::metadata(&record).unwrap().modified().unwrap(), written);
    // Python takes many times as long as all else.
    assert!(second < first, "{first:?}, then {second:?}");
    // Another text is another matter, and a bad one is refused whatever is known.
    described("text/x-rst", "== ==\na  b\n")
        .build()
        .write_into(bed.path("dist"));
    Outcome::of(bed.pkgctl(["check"]).env("PATH", twine.folder())).expect_code(1);
}
