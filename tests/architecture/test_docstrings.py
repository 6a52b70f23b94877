"""Every module opens with one sentence that says what it is for."""

import ast

from tests.architecture.sources import PACKAGES, modules, tree


def test_every_module_opens_with_a_sentence():
    silent = [str(path) for path in modules(*PACKAGES, "tests", "bench") if not is_sentence(tree(path))]

    assert not silent, "no sentence at the top of\n  " + "\n  ".join(silent)


def is_sentence(module: ast.Module) -> bool:
    first_paragraph = (ast.get_docstring(module) or "").split("\n\n")[0].strip()
    return first_paragraph.endswith((".", ":", "?", "!"))
