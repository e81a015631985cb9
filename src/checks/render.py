# Says in its first line what it can do and what that rests on. Then reads reStructuredText documents, each as JSON on
# a line of its own, and answers each with a line: null when it renders, otherwise the first complaint. An index shows
# a description only when docutils has no complaint about it.
import io
import json
import os
import site
import sys

# What modules print goes elsewhere.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

if sys.prefix == sys.base_prefix:
    # Isolated mode leaves the user's own packages out; docutils may well be among them.
    sys.path.append(site.getusersitepackages())


def by_readme_renderer():
    from readme_renderer import rst

    def complaint(text):
        stream = io.StringIO()
        if rst.render(text, stream=stream) is None:
            return stream.getvalue()
        return None

    return complaint


def by_docutils():
    from docutils.core import publish_parts
    from docutils.utils import SystemMessage
    from docutils.writers import html5_polyglot

    class Translator(html5_polyglot.HTMLTranslator):
        def read_size_with_PIL(self, node):
            # No file may be read, so that every scaled picture would be a complaint.
            return None

    try:
        import pygments  # noqa: F401

        highlight = "short"
    except ImportError:
        # Without it each code block would be a complaint that is not the author's fault.
        highlight = "none"

    def complaint(text):
        stream = io.StringIO()
        writer = html5_polyglot.Writer()
        writer.translator_class = Translator
        settings = {
            "_disable_config": True,
            "doctitle_xform": False,
            "file_insertion_enabled": False,
            "halt_level": 2,
            "math_output": "MathJax /dummy.js",
            "raw_enabled": False,
            "report_level": 5,
            "strip_comments": True,
            "syntax_highlight": highlight,
            "warning_stream": stream,
        }
        try:
            parts = publish_parts(text, writer=writer, settings_overrides=settings)
        except SystemMessage:
            return stream.getvalue() or "it can't be rendered"
        if not (parts.get("docinfo", "") + parts.get("fragment", "")).strip():
            return "No content rendered from RST source."
        return None

    return complaint


def say(value):
    answers.write(json.dumps(value) + "\n")
    answers.flush()


complaint = None
for renderer in (by_readme_renderer, by_docutils):
    try:
        complaint = renderer()
        break
    except ImportError:
        continue

# Whatever is installed, upgraded or removed changes one of these.
places = [sys.executable, os.path.join(sys.prefix, "pyvenv.cfg"), *filter(os.path.isabs, sys.path)]
places += [getattr(sys.modules.get(name), "__file__", None) for name in ("docutils", "readme_renderer", "pygments")]
say({"renders": complaint is not None, "executable": sys.executable, "rests_on": [place for place in places if place]})
if complaint is not None:
    for line in io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"):
        say(complaint(json.loads(line)))
