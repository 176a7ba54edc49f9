"""The house stays as drawn: imports run down the layers, heavy libraries have one door, words are kept."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGE = ROOT / "musicexp"

LAYERS = [
    {"cli", "api"},
    {"benchmark"},
    {"listening", "report", "sweep"},
    {"training"},
    {"generation", "tracking", "render"},
    {"metrics"},
    {"baselines", "data", "model"},
    {"tokens"},
    {"music"},
    {"config", "errors", "imports", "loopback", "wording"},
]
"""From the top down; a room imports from its own layer or from below."""

ABOVE = {"__main__": {"cli"}, "": {"api"}}
"""The package's own front doors."""

DOORS = {
    "hydra": {"config"},
    "omegaconf": {"config"},
    "mlflow": {"tracking"},
    "music21": {"music"},
    "symusic": {"music", "render"},  # reads and writes MIDI there, plays it here
    "pytorch_lightning": {"training", "data"},
    "optuna": {"sweep"},
    "matplotlib": {"render"},
    "rich": {"report"},
}

FORBIDDEN_NAMES = {"utils", "common", "helpers", "base", "core", "misc", "manager", "handler", "engine"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The first folder or file below the package; '' for the package itself."""
    first = path.relative_to(PACKAGE).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


@cache
def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layer(name: str) -> int:
    return next(i for i, rooms in enumerate(LAYERS) if name in rooms)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_down_the_layers(path: Path) -> None:
    here = room(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "musicexp" or len(parts) == 1 or parts[1].startswith("__"):
            continue
        if here in ABOVE:
            assert parts[1] in ABOVE[here] | {"errors"}, f"{path} imports {name}"
        else:
            assert layer(here) <= layer(parts[1]), f"{path} imports {name} from a layer above it"


@pytest.mark.parametrize("library", DOORS)
def test_a_heavy_library_has_one_door(library: str) -> None:
    for path in MODULES:
        if any(name.split(".")[0] == library for name in imported(path)):
            assert room(path) in DOORS[library], f"{path} imports {library}"


@cache
def at_import(path: Path) -> set[str]:
    """Every module that a file imports as soon as it is imported itself."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_optuna_is_imported_when_a_study_is_opened_and_not_before() -> None:
    """It takes a second, and a table of runs or a `--help` wants none of it."""
    for path in MODULES:
        now = at_import(path)
        assert not any(name.split(".")[0] == "optuna" for name in now), path
        if room(path) not in ("sweep", "benchmark"):
            assert not any(name.startswith("musicexp.sweep") for name in now), path


def test_every_room_is_in_a_layer() -> None:
    rooms = {room(path) for path in MODULES} - set(ABOVE)
    assert rooms == set().union(*LAYERS)


def test_no_room_has_a_name_that_says_nothing() -> None:
    for path in MODULES:
        parts = {part.removesuffix(".py") for part in path.relative_to(PACKAGE).parts}
        assert not parts & FORBIDDEN_NAMES, path


def test_every_module_and_public_name_is_described() -> None:
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{path} has no docstring"
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                short = isinstance(node, ast.FunctionDef) and len(node.body) <= 3
                settings = "settings" in {getattr(d, "id", "") for d in node.decorator_list}
                assert short or settings or ast.get_docstring(node), f"{path}: {node.name} has no docstring"


def test_the_project_never_depends_on_shared_nor_names_a_machine() -> None:
    for path in [
        *MODULES,
        *ROOT.glob("conf/**/*.yaml"),
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
        ROOT / "README.md",
    ]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"shared/(data|reference|design)|/work/|/root/|/home/", text), path


def test_nothing_happens_at_import() -> None:
    """At module level stand imports, definitions, constants and docstrings, nothing that acts."""
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            acts = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
            loops = isinstance(node, (ast.For, ast.While, ast.With, ast.Try))
            assert not acts, f"{path}:{node.lineno}"
            assert not loops, f"{path}:{node.lineno}"
