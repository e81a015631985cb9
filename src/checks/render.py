# Reads a JSON list of reStructuredText documents and prints, as the last line, what became of each: null when it
# renders, otherwise the first complaint. An index shows a description only when docutils has no complaint about it.
import io
import json
import site
import sys

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


for renderer in (by_readme_renderer, by_docutils):
    try:
        complaint = renderer()
    except ImportError:
        continue
    documents = json.load(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8"))
    print()
    print(json.dumps([complaint(document) for document in documents]))
    break
