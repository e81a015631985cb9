//! Texts in reStructuredText, judged without docutils and with it.

use super::{FAILED, PASSED, verdicts};
use crate::support::distributions::wheel;
use crate::support::{Outcome, Testbed, tools};

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
