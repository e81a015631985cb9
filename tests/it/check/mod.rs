//! `pkgctl check`: verdicts, reasons and remedies, beside those of a real twine.

use crate::support::distributions::{Builder, Distribution, sdist, wheel};
use crate::support::{Outcome, Testbed, tools};

const MARKDOWN: (&str, &str) = ("Description-Content-Type", "text/markdown");

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

/// Asks the renderer of the public index itself.
const RENDER: &str = r#"
import io, json, sys
from readme_renderer import rst
for text in json.load(sys.stdin):
    print("good" if rst.render(text, stream=io.StringIO()) is not None else "bad")
"#;

#[test]
fn what_passes_without_docutils_renders() {
    let Ok(twine) = tools::twine() else { return };
    let bed = Testbed::new();
    let texts: Vec<String> = (0..1200).map(readme).collect();
    for (number, text) in texts.iter().enumerate() {
        wheel(&format!("p{number:04}"), "1")
            .header("Description-Content-Type", "text/x-rst")
            .description(text)
            .build()
            .write_into(bed.path("dist"));
    }
    let outcome = Outcome::of(bed.pkgctl(["check"]).env("PATH", bed.path("none")));
    let verdicts = verdicts(&outcome.stdout);
    bed.write("texts.json", serde_json::to_string(&texts).unwrap());
    let mut python = twine.python(&bed);
    python.args(["-c", RENDER]);
    python.stdin(std::fs::File::open(bed.path("texts.json")).unwrap());
    let rendered = Outcome::of(&mut python).expect_code(0);
    let rendered: Vec<&str> = rendered.stdout.lines().collect();
    assert_eq!((verdicts.len(), rendered.len()), (texts.len(), texts.len()));
    let mut sure = 0;
    for ((text, (_, verdict)), rendered) in texts.iter().zip(&verdicts).zip(rendered) {
        if verdict == PASSED {
            sure += 1;
            assert_eq!(rendered, "good", "{text}");
        }
    }
    assert!(sure > 300, "only {sure} were told without docutils");
}

/// A README put together from blocks that docutils has rules for, most of them right.
fn readme(number: u64) -> String {
    const BLOCKS: [&str; 40] = [
        "Some text\nin two lines.",
        "With *this*, **that** and ``code``.",
        "See `it <http://a/b>`_ (and `it <http://a/b>`_).",
        "A title\n=======",
        "Another\n-------",
        "More\n~~~~",
        "====\nOver\n====",
        "Example::\n\n    $ run *this",
        "- one\n- two\n  lines",
        "- one\n\n  - inner\n\n- two",
        "* x::\n\n    y\n\n* z",
        "1. a\n2. b",
        "1. a\n\n2. b\n   c",
        ".. code-block:: python\n\n   import this",
        ".. note:: Be *careful*\n   here.",
        ".. warning::\n\n   - a\n   - b",
        ".. image:: http://a/b.svg\n   :target: http://a\n   :alt: x",
        "    quoted text",
        "----",
        "Text with my_lib, __init__.",
        "a_ and `b c`_",
        ".. _a: http://a\n.. _b c: http://b",
        "|s| here",
        ".. |s| image:: http://s/t.png",
        ".. a comment",
        ">>> 1\n1",
        ".. contents::",
        "unfinished *emphasis",
        "unfinished `text",
        "x**2**y",
        "- a\nb",
        "Short\n===",
        "Text\n  set in",
        ".. image:: http://a\n   :width: x",
        ".. code-block:: nonsense\n\n   x",
        ".. toctree::",
        "::\n\n  x",
        "3. c\n4. d",
        "`a <http://other>`_",
        ".. tip:: x\n   :y: z",
    ];
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = |below: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        usize::try_from(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % below
    };
    let blocks = 2 + next(5);
    let mut text = String::new();
    for _ in 0..blocks {
        // The later ones are mostly wrong, and come less often.
        let among = if next(8) == 0 { BLOCKS.len() } else { 27 };
        text.push_str(BLOCKS[next(among)]);
        text.push_str(if next(12) == 0 { "\n" } else { "\n\n" });
    }
    text
}

/// Texts put together from pieces that mean something to docutils, a different one for each number.
fn made_up_text(number: u64) -> String {
    const PIECES: [&str; 26] = [
        "A title",
        "====",
        "------",
        "\n",
        "\n",
        "\n",
        "Example::",
        "  indented",
        ".. note::",
        ".. toctree::",
        ".. raw:: html",
        "see :class:`Foo`, and more",
        "see :code:`x` now",
        "this is **bold",
        "this is **bold**",
        "- item",
        "1. one",
        "> quoted",
        "| line",
        "..",
        ".. comment:: of sorts",
        "``literal",
        "text`` ends",
        "====  ====",
        "a     b",
        ":field: value",
    ];
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = String::new();
    for _ in 0..8 {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let piece = usize::try_from(state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap();
        text.push_str(PIECES[piece % PIECES.len()]);
        text.push('\n');
    }
    text
}

#[test]
fn what_fails_without_docutils_fails_with_it() {
    let Ok(twine) = tools::twine() else { return };
    let bed = Testbed::new();
    for number in 0..400 {
        wheel(&format!("p{number:03}"), "1")
            .header("Description-Content-Type", "text/x-rst")
            .description(&made_up_text(number))
            .build()
            .write_into(bed.path("dist"));
    }
    let check = |path: &std::path::Path| {
        let outcome = Outcome::of(bed.pkgctl(["check"]).env("PATH", path));
        verdicts(&outcome.stdout)
    };
    let (without, with) = (check(&bed.path("none")), check(twine.folder()));
    assert_eq!((without.len(), with.len()), (400, 400));
    let mut found = 0;
    for (number, (without, with)) in without.iter().zip(&with).enumerate() {
        let text = made_up_text(u64::try_from(number).unwrap());
        found += usize::from(without.1 == FAILED);
        assert!(without.1 != FAILED || with.1 == FAILED, "{without:?}:\n{text}");
    }
    let failed = with.iter().filter(|(_, verdict)| verdict == FAILED).count();
    assert!(found > 50 && failed < 400, "{found} found of {failed}");
}

/// What twine and pkgctl make of a file; `reason` says why they differ where they do.
struct Case {
    name: &'static str,
    builder: Builder,
    twine: &'static str,
    pkgctl: &'static str,
    reason: &'static str,
}

fn same(name: &'static str, builder: Builder, verdict: &'static str) -> Case {
    Case {
        name,
        builder,
        twine: verdict,
        pkgctl: verdict,
        reason: "",
    }
}

fn other(name: &'static str, builder: Builder, verdicts: [&'static str; 2], reason: &'static str) -> Case {
    Case {
        name,
        builder,
        twine: verdicts[0],
        pkgctl: verdicts[1],
        reason,
    }
}

const PASSED: &str = "PASSED";
const WARNED: &str = "PASSED with warnings";
const FAILED: &str = "FAILED";

/// `name` is the project's; the verdicts were written down before either program was asked.
fn cases() -> Vec<Case> {
    let plain = |text: &str| described("text/plain", text);
    let rst = |text: &str| described("text/x-rst", text);
    let markdown = |text: &str| described("text/markdown", text);
    vec![
        same("markdown", markdown("# Title\n\n*text* <b>\n"), PASSED),
        same(
            "markdown with parameters",
            described("text/markdown; charset=UTF-8; variant=GFM", "# Title\n"),
            PASSED,
        ),
        same(
            "markdown in CommonMark",
            described("text/markdown;variant=CommonMark", "x\n"),
            PASSED,
        ),
        same(
            "markdown of no known variant",
            described("text/markdown; variant=Original", "x\n"),
            FAILED,
        ),
        same(
            "charset in lower case",
            described("text/markdown; charset=utf-8", "x\n"),
            PASSED,
        ),
        same(
            "another charset",
            described("text/markdown; charset=latin-1", "x\n"),
            FAILED,
        ),
        same("type in capitals", described("Text/Markdown", "x\n"), PASSED),
        same("plain text", plain("Title\n==\n\n:role:`x`\n"), PASSED),
        same("unknown type", described("text/html", "<p>\n"), FAILED),
        same("no type but a word", described("markdown", "x\n"), FAILED),
        same("no description", markdown(""), WARNED),
        same("description UNKNOWN", markdown("UNKNOWN\n"), WARNED),
        same(
            "neither type nor description",
            wheel("my-lib", "1.0").description(""),
            WARNED,
        ),
        same(
            "no type, renders",
            wheel("my-lib", "1.0").description("Title\n=====\n\n* x\n"),
            WARNED,
        ),
        same(
            "no type, does not render",
            wheel("my-lib", "1.0").description("Title\n==\n\n.. foo::\n"),
            FAILED,
        ),
        same(
            "rst",
            rst("Title\n=====\n\n.. code-block:: python\n\n   x = 1\n\n`a <http://b>`_\n"),
            PASSED,
        ),
        same("rst, short underline", rst("A longer title\n====\n"), FAILED),
        same("rst, unknown directive", rst("x\n\n.. automodule:: x\n"), FAILED),
        same("rst, unknown role", rst("See :class:`Foo` for more.\n"), FAILED),
        same("rst, raw html", rst(".. raw:: html\n\n   <b>\n"), FAILED),
        same("rst, include", rst("x\n\n.. include:: CHANGES.rst\n"), FAILED),
        same("rst, unfinished strong text", rst("This is **bold\n"), FAILED),
        same("rst, unknown target", rst("See `the manual`_.\n"), FAILED),
        same(
            "rst, one text for two links",
            rst("`here <http://a>`_ and `here <http://b>`_\n"),
            PASSED,
        ),
        same("rst, nothing but a comment", rst(".. nothing\n"), FAILED),
        same(
            "rst, bad table",
            rst("====  ====\nA     B\n====  ====\n1 2 3 4 5 6\n"),
            FAILED,
        ),
        same("rst, bad unindent", rst("x\n\n* a\nb\n"), FAILED),
        same(
            "rst, scaled picture",
            rst(".. image:: http://a/b.png\n   :scale: 50%\n"),
            PASSED,
        ),
        same("metadata 2.0", markdown("x\n").metadata_version("2.0"), FAILED),
        same("metadata 2.6", markdown("x\n").metadata_version("2.6"), PASSED),
        same("metadata 2.7", markdown("x\n").metadata_version("2.7"), FAILED),
        same(
            "header too new",
            markdown("x\n").header("License-Expression", "MIT"),
            FAILED,
        ),
        same(
            "license file too early",
            markdown("x\n").header("License-File", "LICENSE"),
            PASSED,
        ),
        same(
            "summary of two lines",
            markdown("x\n").header("Summary", "a\n  b"),
            FAILED,
        ),
        same(
            "two summaries",
            markdown("x\n").header("Summary", "a").header("Summary", "b"),
            FAILED,
        ),
        same(
            "bad requirement",
            markdown("x\n").requires("requests >>2"),
            FAILED,
        ),
        same(
            "good requirement",
            markdown("x\n").requires("a[b] >=2,<3 ; extra == 'c'"),
            PASSED,
        ),
        other(
            "star behind an order",
            markdown("x\n").header("Requires-Python", ">=3.6.*"),
            [FAILED, WARNED],
            "build tools wrote it for years, and installers and private indexes take it",
        ),
        same(
            "bad extra",
            markdown("x\n").header("Provides-Extra", "a b"),
            FAILED,
        ),
        same(
            "name as dynamic",
            markdown("x\n").metadata_version("2.2").header("Dynamic", "Name"),
            FAILED,
        ),
        same(
            "dynamic license",
            markdown("x\n")
                .metadata_version("2.2")
                .header("Dynamic", "License"),
            PASSED,
        ),
        same(
            "license by its old name",
            markdown("x\n")
                .metadata_version("2.4")
                .header("License-Expression", "Apache 2.0"),
            FAILED,
        ),
        same(
            "licenses in lower case",
            markdown("x\n")
                .metadata_version("2.4")
                .header("License-Expression", "mit or (apache-2.0 and LicenseRef-Mine)"),
            PASSED,
        ),
        same(
            "license file with a star",
            markdown("x\n")
                .metadata_version("2.4")
                .header("License-File", "LICEN*"),
            FAILED,
        ),
        same(
            "description twice",
            markdown("x\n").header("Description", "also here"),
            FAILED,
        ),
        other(
            "unknown header",
            markdown("x\n").header("Maker", "me"),
            [FAILED, WARNED],
            "the standard tells readers to ignore it, and no index sees it",
        ),
        other(
            "license twice",
            markdown("x\n")
                .metadata_version("2.4")
                .header("License", "MIT")
                .header("License-Expression", "MIT"),
            [PASSED, FAILED],
            "the standard forbids it, the public index refuses it",
        ),
        other(
            "license as classifier too",
            markdown("x\n")
                .metadata_version("2.4")
                .header("Classifier", "License :: OSI Approved :: MIT License")
                .header("License-Expression", "MIT"),
            [PASSED, WARNED],
            "the standard deprecates it",
        ),
        other(
            "license file missing",
            markdown("x\n")
                .metadata_version("2.4")
                .header("License-File", "LICENSE"),
            [PASSED, FAILED],
            "the standard and the public index want it in the archive",
        ),
        other(
            "nothing but a comment",
            markdown("<!-- later -->\n"),
            [PASSED, FAILED],
            "the page would be empty, as that of the same README in reStructuredText",
        ),
        other(
            "version of another file",
            markdown("x\n").filename("my_lib-1.1-py3-none-any.whl"),
            [PASSED, FAILED],
            "twine does not compare, indexes do",
        ),
    ]
}

/// Calls twine's own command for one file after the other, since it stops at the first file that it can't read.
const TWINE_CHECK: &str = r#"
import contextlib, io, sys
from twine.cli import dispatch
from twine.exceptions import TwineException
for path in sys.argv[1:]:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            dispatch(["check", path])
        except TwineException:
            said = io.StringIO("FAILED")
    text = " ".join(said.getvalue().split())
    verdicts = ["FAILED due to warnings", "FAILED", "PASSED with warnings", "PASSED"]
    print(next(verdict for verdict in verdicts if verdict in text))
"#;

#[test]
fn verdicts_are_those_of_twine_or_differ_for_a_reason() {
    let Ok(twine) = tools::twine() else { return };
    let bed = Testbed::new();
    let cases = cases();
    let mut paths = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let folder = bed.path(&format!("{number}"));
        paths.push(case.builder.clone().build().write_into(folder));
    }
    let mut python = twine.python(&bed);
    let told = Outcome::of(python.args(["-c", TWINE_CHECK]).args(&paths)).expect_code(0);
    let by_twine: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(by_twine.len(), cases.len(), "{}", told.stderr);
    let mut wrong = Vec::new();
    for ((case, path), by_twine) in cases.iter().zip(&paths).zip(by_twine) {
        let outcome = Outcome::of(bed.pkgctl(["check"]).arg(path).env("PATH", twine.folder()));
        let said = verdicts(&outcome.stdout);
        let by_pkgctl = said.first().map_or("nothing", |(_, verdict)| verdict.as_str());
        if by_twine != case.twine || by_pkgctl != case.pkgctl {
            wrong.push(format!(
                "{}: twine {by_twine}, pkgctl {by_pkgctl}; {}",
                case.name, outcome.stderr
            ));
        }
        assert_eq!(case.reason.is_empty(), case.twine == case.pkgctl, "{}", case.name);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));

    // docutils by itself, without the package around it that indexes use, is as good.
    let Ok(flit) = tools::flit() else { return };
    for (case, path) in cases
        .iter()
        .zip(&paths)
        .filter(|(case, _)| case.name.contains("rst"))
    {
        let outcome = Outcome::of(bed.pkgctl(["check"]).arg(path).env("PATH", flit.folder()));
        let said = verdicts(&outcome.stdout);
        assert_eq!(said[0].1, case.pkgctl, "{}: {}", case.name, outcome.stderr);
    }
}
