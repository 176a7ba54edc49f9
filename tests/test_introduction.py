"""What a run says of its data: nothing that was left out or moved goes unsaid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import melody
from tunes import shifted

from musicexp.config import Config, compose
from musicexp.music import Piece, write_midi
from musicexp.music.midi import midi_bytes
from musicexp.training.introduction import data_lines
from musicexp.training.material import prepare


def played(seed: int, late_by: float) -> bytes:
    """The MIDI file of a melody whose notes come a little early or late, as fingers have it."""
    from symusic import Score

    score = Score.from_midi(midi_bytes(melody(seed)))
    random = np.random.default_rng(seed)
    for note in score.tracks[0].notes:
        note.time = max(0, note.time + int(random.normal(0, late_by)))
    return bytes(score.dumps_midi())


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines about a folder in which everything is that may be."""
    folder = tmp_path_factory.mktemp("odd")
    for seed in range(8):
        write_midi(melody(seed), folder / f"tune{seed}.mid")
    write_midi(shifted(melody(3), semitones=-4), folder / "the same.mid")
    for seed in (4, 5, 6):
        write_midi(shifted(melody(seed), semitones=34), folder / f"high{seed}.mid")
    (folder / "played.mid").write_bytes(played(20, 60))
    for number in range(7):
        (folder / f"bad{number}.mid").write_text("no MIDI")
    config = settings(
        folder, "dataset.transpose=[20,24]", "tokens.vocabulary=train", "tokens.unknown=unknown"
    )
    return data_lines(config, prepare(config, folder.parent / "cache"))


def settings(folder: Path, *more: str) -> Config:
    return compose(["dataset=midi", f"dataset.path={folder}", *more])


@pytest.mark.parametrize(
    "line",
    [
        "data     midi: 13 pieces, ",
        "; 7 could not be used",
        "         not used: bad0.mid: it is no MIDI file, or a damaged one",
        "         and 2 more: see rejected.csv",
        "         4 pieces repeat another one, in any key, or much of it: kept on one side of the split",
        "         1 piece knows no grid of 1/24 quarter (played freely, or written in other values): their notes were moved by ",
        "         only 1 piece of validation and ",
        "left out that would leave MIDI's range",
        "tokens of held-out pieces are none of the training pieces' (tokens.unknown=unknown)",
        "tokens   notes: ",
        " to train on, in 6 keys",
    ],
)
def test_it_is_said(said: list[str], line: str) -> None:
    assert line in "\n".join(said)


def test_duplicates_that_may_stand_apart_are_marked(tmp_path: Path) -> None:
    for seed in range(4):
        write_midi(melody(seed), tmp_path / f"tune{seed}.mid")
    write_midi(shifted(melody(3), semitones=-4), tmp_path / "the same.mid")
    config = settings(tmp_path, "split.grouped=false")
    lines = data_lines(config, prepare(config, tmp_path.parent / "cache"))
    assert any("NOT kept on one side of the split" in line for line in lines)


def test_a_licence_that_forbids_something_is_said_aloud() -> None:
    from musicexp.music.collections import COLLECTIONS

    for name in ("essenFolksong", "kinder"):
        assert "non-commercial purposes only" in COLLECTIONS[name].warning


# ---------------------------------------------------------------------------------------------------
# The grid


def quarters(*onsets: float, ticks_per_quarter: int = 480) -> Piece:
    """Notes of half a quarter from some onsets on."""
    begin = np.array([round(onset * ticks_per_quarter) for onset in onsets])
    same = np.full(len(begin), 60)
    return Piece.from_ticks(
        "", begin, np.full(len(begin), ticks_per_quarter // 2), same, same, 0 * same,
        ticks_per_quarter=ticks_per_quarter,
    )  # fmt: skip


def test_a_recording_that_begins_late_is_moved_as_a_whole() -> None:
    """One tune with an upbeat of a sixty-fourth counted as played freely, off the grid in 129 notes of 130."""
    late = quarters(0.0, *(1 + 1 / 64 + n / 2 for n in range(9)))
    assert late.onset.tolist()[1:] == [24 + 12 * n for n in range(9)]
    assert (int(late.off_grid.sum()), late.free) == (1, False)
    assert late.exact[0].tolist()[1] == round((1 + 1 / 64) * 480)


def test_triplets_are_on_the_grid_whatever_the_ticks() -> None:
    """A third of a quarter of 1,024 ticks is 341 or 342, and was called moved."""
    thirds = quarters(*(n / 3 for n in range(12)), ticks_per_quarter=1024)
    assert thirds.onset.tolist() == [8 * n for n in range(12)]
    assert not thirds.off_grid.any()
    assert not thirds.free


def test_what_is_played_without_a_grid_is_known_and_its_ticks_are_kept() -> None:
    random = np.random.default_rng(1)
    onsets = np.cumsum(random.uniform(0.2, 0.9, 50))
    piece = quarters(*onsets)
    assert piece.free
    assert piece.exact[0].tolist() == [round(onset * 480) for onset in onsets]
    assert piece.moved_quarters.max() <= 1 / 48 + 1e-9
    assert 0.008 < piece.moved_quarters.mean() < 0.013  # without a grid it is 1/96
