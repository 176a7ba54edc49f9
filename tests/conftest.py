"""Fixtures that several files share: a folder of small tunes, settings for runs of a second, stores."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from musicexp.music import Note, Piece, write_midi
from musicexp.tracking import open_store

# Machines are shared and noisy: a law that holds slowly holds.
hypothesis.settings.register_profile("musicexp", deadline=None)
hypothesis.settings.load_profile("musicexp")

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

SMALL = (
    "model=lstm2",
    "model.hidden_size=16",
    "model.embedding_dim=8",
    "batch_size=3",
    "seq_length=10",
    "iterations=30",
    "validation.every=7",
    "samples.max_notes=20",
    "samples.scored=0",
    "render.audio=false",
    "render.score=false",
    "render.pictures=false",
    "threads=1",
)
"""A model that trains in a second; its dropout and its carried state make resuming hard enough."""


def melody(seed: int, notes: int = 40) -> Piece:
    """A random walk over a scale, with a rest and a triad now and then."""
    random = np.random.default_rng(seed)
    scale = [0, 2, 4, 5, 7, 9, 11]
    found, now, degree = [], 0, int(random.integers(0, 7))
    for _ in range(notes):
        degree = int(np.clip(degree + random.integers(-2, 3), 0, 13))
        duration = int(random.choice([12, 12, 24, 48]))
        pitch = 60 + 12 * (degree // 7) + scale[degree % 7]
        now += 12 * int(random.random() < 0.1)
        found += [
            Note(now, duration, pitch + step) for step in ((0, 4, 7) if random.random() < 0.1 else (0,))
        ]
        now += duration
    return Piece.of(found, f"tune{seed}")


@pytest.fixture(scope="session")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of sixteen small MIDI tunes."""
    folder = tmp_path_factory.mktemp("tunes")
    for seed in range(16):
        write_midi(melody(seed), folder / f"tune{seed:02}.mid")
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of read music that the session's tests share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def _new_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    open_store(f"sqlite:///{path}", "template")
    return path


@pytest.fixture
def store(_new_store: Path, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a real, empty sqlite store, which is also the default one; the cache is the shared one.

    It is a copy, since MLflow needs seconds to make its tables.
    """
    path = tmp_path / "mlruns" / "mlflow.db"
    path.parent.mkdir()
    shutil.copy(_new_store, path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    monkeypatch.setenv("MUSICEXP_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{path}"


@pytest.fixture
def small(tunes: Path) -> Callable[..., list[str]]:
    """Overrides of a small run on the tunes; more may follow."""

    def overrides(*more: str) -> list[str]:
        return ["dataset=midi", f"dataset.path={tunes}", *SMALL, *more]

    return overrides
