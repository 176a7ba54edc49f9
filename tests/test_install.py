"""Wheel and editable install: conf/ travels with the package, and both work from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def fresh_environment(folder: Path, *install: str) -> Path:
    """A new virtual environment with musicexp installed; what it depends on is lent by this one."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    # A line in a .pth file lends the packages, but not what their own .pth files would add: our editable install.
    Path(site, "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        *install,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return python


def check_runs_from_elsewhere(python: Path, where: Path, elsewhere: Path, overrides: list[str]) -> None:
    """The command composes, trains and generates in a folder that knows nothing of the source tree."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "MUSICEXP_", "PYTHON"))}
    elsewhere.mkdir()

    def called(*words: str) -> str:
        done = subprocess.run(
            words, cwd=elsewhere, env=env, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    found = called(str(python), "-c", "import musicexp; print(musicexp.__file__)").strip()
    assert Path(found).is_relative_to(where), "the environment must use its own copy"
    assert "num_layers: 1" in called(str(python.parent / "musicexp"), "run", "model=lstm1", "--cfg", "job")
    assert "sample_1.mid" in called(str(python), "-m", "musicexp", "run", *overrides)
    assert "sample_1.mid" in called(str(python.parent / "musicexp"), "generate", "last", "count=1")
    assert (elsewhere / "mlruns" / "mlflow.db").is_file()
    assert {path.name for path in elsewhere.iterdir()} == {"mlruns", "generated"}


def test_the_wheel_holds_every_yaml_and_table(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for path in [*(ROOT / "conf").rglob("*.yaml"), *(ROOT / "conf").rglob("*.csv")]:
        assert f"musicexp/conf/{path.relative_to(ROOT / 'conf').as_posix()}" in names
    assert "musicexp/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "mlruns/", "benchmarks/"))]


@pytest.mark.slow
def test_a_wheel_in_a_fresh_environment(wheel: Path, tmp_path: Path, small: Callable[..., list[str]]) -> None:
    python = fresh_environment(tmp_path / "env", str(wheel))
    check_runs_from_elsewhere(python, tmp_path / "env", tmp_path / "elsewhere", small("iterations=3"))


@pytest.mark.slow
def test_an_editable_install_in_a_fresh_environment(tmp_path: Path, small: Callable[..., list[str]]) -> None:
    python = fresh_environment(tmp_path / "env", "--editable", str(ROOT))
    check_runs_from_elsewhere(python, ROOT, tmp_path / "elsewhere", small("iterations=3"))
