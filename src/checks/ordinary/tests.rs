//! Which texts are sure to render. That docutils agrees is tested with a real one, from the outside.

use proptest::prelude::*;

use super::renders;

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(
        text in "(A title|====|::|\\.\\. |\\.\\. _a: |\\.\\. \\|x\\| image:: |note::|  |- |1\\. |`|_|\\*\\*|\\|| |\n|é|<http://a>|.){0,40}",
    ) {
        let _ = renders(&text);
    }

    #[test]
    fn plain_paragraphs_render(text in "[a-z]{2,9}( [a-z]{1,9}[,.]?){0,9}(\n[a-z]{1,9} [a-z]{2,9}){0,3}\n") {
        prop_assert!(renders(&text), "{text}");
    }
}

#[test]
fn what_readmes_are_made_of_is_known() {
    for text in [
        "Nothing.\n",
        "One line,\nand another (of two).\n\nMore text\n",
        "Title\n=====\n\nText with my_lib in it, 2 * 3 and a | b\n",
        "=====\nTitle\n=====\n\nText\n\nSection\n-------\nText\n\nNext\n----\n",
        "Text::\n\n    .. any *thing\n\nand more\n",
        "::\n\n  pip install x\n",
        "- one\n- two\n  goes on\n\n  and on\n\n* other\n",
        "1. one\n2. two\n\n   - three\n",
        "Text\n\n    a quote\n\nText\n\n----\n\nText\n",
        ".. code-block:: python\n\n   import this\n\nText\n",
        ".. image:: https://a/b.svg\n   :target: https://a\n   :alt: state\n\nText\n",
        "See `the manual <https://a/b>`_, *this* and **that**, ``code``.\n",
        "See `the manual`_ and docs_.\n\n.. _the manual: https://a\n.. _docs: https://b\n",
        "|state| Text\n\n.. |state| image:: https://a/b.svg\n",
        ".. note:: Beware\n   of this.\n\nText\n",
        ">>> 1 + 1\n2\n",
        "Grüße, 你好\n==================\n\nText – mehr\n",
    ] {
        assert!(renders(text), "{text:?}");
    }
}

#[test]
fn what_is_wrong_or_uncertain_is_left_to_docutils() {
    for text in [
        "",
        "\n",
        ".. a comment\n",
        "Title\n===\n",
        "Title\n=====\n",
        "你好你好\n=====\n\nText\n",
        "a_\n",
        "`a`_\n",
        "*a\n",
        "**a\n",
        "``a\n",
        "`a\n",
        "|a|\n",
        "a\\b\n",
        "see :class:`Foo`\n",
        "`Foo`:class:\n",
        "Text\n  set in\n",
        "- a\nb\n",
        "1. a\n3. b\n",
        "Text::\n\nmore\n",
        "Text::\n\n  a\nb\n",
        ".. foo:: x\n\nText\n",
        ".. raw:: html\n\n   <b>\n\nText\n",
        ".. code-block:: nonsense\n\n   x\n\nText\n",
        ".. code-block:: python\n\nText\n",
        ".. image:: https://a\n   :scale: 5\n\nText\n",
        "A\n=\n\nB\n-\n\nC\n~\n\nD\n=\n\nE\n~\n\nText\n",
        "Text\n\n----\n",
        "----\n\nText\n",
        "`a <https://b>`_ `a <https://c>`_\n",
        ".. _a: https://b\n.. _a: https://c\n\nText\n",
        "=== ===\na   b\n=== ===\n",
        ":field: x\n",
        "-a  option\n",
        ".. note:: a\n   :b: c\n\nText\n",
        "Text\ttab\n",
        "Text\r\n",
        "[1]_\n",
    ] {
        assert!(!renders(text), "{text:?}");
    }
}
