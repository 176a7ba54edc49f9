"""The README is true: its commands compose in the fast tests and run literally, in order, in the slow ones."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT, melody

from musicexp.cli.run import SEEDS, sorted_out
from musicexp.config import compose_each, compose_search
from musicexp.music import Note, Piece, write_midi
from musicexp.sweep.together import check_together

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines() if line]
LONG = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines() if line]
"""What takes an evening: composed, but not run."""
SWEEPS = [
    shlex.split(line)[4:] for line in COMMANDS + LONG if " musicexp sweep " in line and "--help" not in line
]
RUNS = [shlex.split(line)[4:] for line in COMMANDS if " musicexp run " in line and "--help" not in line]


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_every_run_composes(words: list[str]) -> None:
    _, overrides = sorted_out(words)
    assert compose_each([word for word in overrides if word.partition("=")[0] not in SEEDS])


@pytest.mark.parametrize("words", SWEEPS, ids=" ".join)
def test_every_sweep_composes_and_goes_together(words: list[str]) -> None:
    check_together(compose_search(words))


def test_the_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    told = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    wanted = re.findall(r"(?:^|`)make ([a-z-]+)(?:$|`)", told, re.MULTILINE)
    assert {"run", "test"} <= set(wanted)
    for target in wanted:
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
    listed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "setup" in listed
    assert "the fast tests" in listed


def test_links_and_pictures_are_there() -> None:
    headings = {
        f"#{heading.lower().replace(' ', '-')}" for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target in headings, target
        elif not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_the_table_of_presets_is_what_composes() -> None:
    rows = re.findall(
        r"^\| `((?:mit_)?(?:original|tuned))` \| (.*?) \| (\d+) \| (\d+) \| (\d+) \| (\S+) \| (\d+) \| (\d+) \|$",
        README,
        re.MULTILINE,
    )
    assert len(rows) == 4
    for name, _, iterations, batch, window, lr, embedding, width in rows:
        config = compose_each([f"experiment={name}"])[0]
        assert [config.iterations, config.batch_size, config.seq_length] == [
            int(iterations),
            int(batch),
            int(window),
        ]
        assert config.lr == float(lr)
        assert [config.model.embedding_dim, config.model.hidden_size] == [int(embedding), int(width)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in, with a folder `music` and a file `tune.mid`, as the README assumes."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "music").mkdir()
    for seed in range(12):
        write_midi(melody(seed), folder / "music" / f"{seed}.mid")
    # A prime that the fiddle tunes know: a scale of eighths.
    write_midi(
        Piece.of([Note(12 * i, 12, p) for i, p in enumerate((62, 64, 66, 67, 69, 71, 73, 74))]),
        folder / "tune.mid",
    )
    return folder


@pytest.mark.slow
@pytest.mark.xdist_group("readme")  # in order, at one desk: `generate last` wants the run before it
@pytest.mark.parametrize("line", [line for line in COMMANDS if not line.startswith("make ")])
def test_the_commands_run_as_written(line: str, desk: Path) -> None:
    bin_folder = str(Path(sys.executable).parent)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "MUSICEXP_"))}
    env["PATH"] = bin_folder + os.pathsep + env["PATH"]
    if "resume=" in line:
        begun = subprocess.Popen(
            [sys.executable, "-u", "-m", "musicexp", "run", "iterations=20", "model=lstm1"],
            cwd=desk,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert begun.stdout
        assert any("parameters on" in said for said in begun.stdout)
        begun.kill()
        begun.communicate()
    if " ui" in line:
        with subprocess.Popen(
            ["bash", "-c", "exec " + line],
            cwd=desk,
            env=env | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            text=True,
        ) as serving:
            assert serving.stdout
            assert any("workflowType=machine_learning" in said for said in serving.stdout)
            serving.send_signal(signal.SIGINT)
            assert serving.wait(timeout=60) == 0
        time.sleep(1)
        return
    done = subprocess.run(
        ["bash", "-c", line], cwd=desk, env=env, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("readme")
def test_the_python_runs_as_written(desk: Path) -> None:
    code = next(text for language, text in BLOCKS if language == "python")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=desk, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = [line for line in done.stdout.splitlines() if line.replace(".", "").isdigit()]
    assert len(figures) == 1, "the bits per note that the example prints"


def test_the_citation_and_the_package_bear_one_version() -> None:
    import musicexp

    for place in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md"):
        assert musicexp.__version__ in (ROOT / place).read_text(encoding="utf-8"), place
