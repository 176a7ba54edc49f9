"""Small pieces, tiny files and a tiny checkpoint, made by the tests themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from hypothesis import settings
from hypothesis import strategies as st

from musicexp.config import compose
from musicexp.generation import Checkpoint, generator_states, new_model
from musicexp.model import Resolved
from musicexp.music import Note, Piece
from musicexp.tokens import Vocabulary, tokenizer

quickly = settings(max_examples=25, deadline=None, derandomize=True, database=None)
slowly = settings(max_examples=8, deadline=None, derandomize=True, database=None)

HEAD = "X:1\nT:A tune\nM:4/4\nL:1/8\nK:C\n"

Sounding = list[tuple[int, int, int]]


def sounding(piece: Piece) -> Sounding:
    """(onset, duration, pitch) of every note, in order."""
    return [(note.onset, note.duration, note.pitch) for note in piece.notes()]


def fermatas(piece: Piece) -> list[bool]:
    """Which notes bear one."""
    return [False] * len(piece) if piece.fermata is None else piece.fermata.tolist()


def scale(*pitches: int, duration: int = 12, name: str = "") -> Piece:
    """One note after the other."""
    return Piece.of([Note(i * duration, duration, pitch) for i, pitch in enumerate(pitches)], name)


def shifted(piece: Piece, *, steps: int = 0, semitones: int = 0) -> Piece:
    """The piece later and higher."""
    notes = [note._replace(onset=note.onset + steps, pitch=note.pitch + semitones) for note in piece.notes()]
    return Piece.of(notes, piece.name)


@st.composite
def melodies(draw: st.DrawFn, max_notes: int = 12) -> Piece:
    """One voice with rests, on the grid; notes from C2 to B6."""
    notes, now = [], 0
    for _ in range(draw(st.integers(1, max_notes))):
        now += draw(st.sampled_from([0, 0, 0, 6, 24, 100]))
        duration = draw(st.integers(1, 130))
        notes.append(Note(now, duration, draw(st.integers(36, 95))))
        now += duration
    metre = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2)]))
    return Piece.of(notes, metre=metre)


@st.composite
def with_fermatas(draw: st.DrawFn, pieces: st.SearchStrategy[Piece]) -> Piece:
    """A piece at least one note of which bears a fermata."""
    piece = draw(pieces)
    marks = draw(st.lists(st.booleans(), min_size=len(piece), max_size=len(piece)).filter(any))
    return dataclasses.replace(piece, fermata=np.array(marks))


@st.composite
def polyphony(draw: st.DrawFn, max_notes: int = 12, parts: int = 3) -> Piece:
    """Anything a MIDI file can say: chords and parts; no note is struck again while it sounds in its part."""
    notes: list[Note] = []
    free: dict[tuple[int, int], int] = {}
    for _ in range(draw(st.integers(1, max_notes))):
        part, pitch = draw(st.integers(0, parts - 1)), draw(st.integers(0, 127))
        onset = free.get((part, pitch), 0) + draw(st.integers(0, 60))
        duration = draw(st.integers(1, 200))
        free[part, pitch] = onset + duration
        notes.append(Note(onset, duration, pitch, draw(st.integers(1, 127)), part))
    # A silent part would not come back: parts are counted as they stand in the file.
    used = sorted({note.part for note in Piece.of(notes).notes()})
    kept = [note._replace(part=used.index(note.part)) for note in Piece.of(notes).notes()]
    metre = draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2), (7, 16)]))
    return Piece.of(kept, tempo=float(draw(st.integers(30, 300))), metre=metre)


def checkpoint(kind: str = "notes", *, pieces: tuple[Piece, ...] = (), seed: int = 0) -> Checkpoint:
    """A model of 1 x 16 with fresh weights, as it would lie in a run of some pieces."""
    config = compose(
        [f"tokens={kind}", "model=lstm1", "model.hidden_size=16", "model.embedding_dim=8", "iterations=1"]
    )
    pieces = pieces or (scale(*range(60, 73), 60), scale(60, 64, 67, 72, duration=24))
    spelling = tokenizer(kind)
    vocabulary = spelling.vocabulary([spelling.tokens(piece) for piece in pieces])
    torch.manual_seed(seed)
    resolved = Resolved("torch", "fp32", 1)
    model = new_model(vocabulary, config.model, resolved)
    return Checkpoint(
        config=config,
        vocabulary=vocabulary,
        resolved=resolved,
        iteration=1,
        weights=model.state_dict(),
        optimizer={"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
        carried=(torch.zeros(1, 2, 16), torch.ones(1, 2, 16)),
        best=None,
        bad_validations=0,
        stopped_early=False,
        seconds=1.5,
        generators=[generator_states()],
        data_fingerprint="f" * 16,
        tempo=96.0,
        metre=(6, 8),
    )


def changed(found: Checkpoint, **more: object) -> Checkpoint:
    return dataclasses.replace(found, **more)  # type: ignore[arg-type]


def random_ids(seed: int, size: int, vocabulary: int) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Pieces of random ids, BOS ... EOS, of random lengths."""
    from musicexp.data import sequence

    random = np.random.default_rng(seed)
    return [sequence(random.integers(3, vocabulary, random.integers(1, 12))) for _ in range(size)]


def vocabulary_of(*tokens: str, kind: str = "notes") -> Vocabulary:
    return tokenizer(kind).vocabulary([tokens])
