//! What `pkgctl check` says of a file beside what a real twine says.

use super::{FAILED, PASSED, WARNED, described, verdicts};
use crate::support::distributions::{Builder, wheel};
use crate::support::{Outcome, Testbed, tools};

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
