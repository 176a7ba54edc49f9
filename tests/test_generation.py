"""From a checkpoint to melodies: the same ones every time, and damage told in a sentence."""

from __future__ import annotations

import dataclasses
import io
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tunes import HEAD, changed, checkpoint, fermatas, quickly, scale, shifted, sounding

from musicexp.config import Samples
from musicexp.errors import MusicError, StoreError
from musicexp.generation import (
    Best,
    Checkpoint,
    Melody,
    generator_states,
    melodies,
    read_prime,
    restore_generators,
)
from musicexp.music import Note, Piece, read_abc, read_file, write_midi
from musicexp.tokens import tokenizer

TUNES = (
    read_abc(HEAD + "CDEF|G2 ^A,B c'|(3ABc d>e|z3/2 f-f/[CE]8|"),
    read_abc(HEAD.replace("4/4", "6/8") + "g,C16"),
)


def samples(**more: object) -> Samples:
    standard: dict[str, object] = {
        "temperature": (1.0, 1.5),
        "count": 4,
        "scored": 0,
        "every": 0,
        "max_notes": 12,
        "top_k": 0,
        "top_p": 1.0,
        "recall": 0.0,
        "ppm": 0.0,
        "seed": 0,
        "prime": None,
        "prime_notes": 4,
    }
    return Samples(**(standard | more))  # type: ignore[arg-type]


def written(found: list[Melody]) -> list[tuple[str, bytes, str]]:
    return [(melody.file, melody.midi(), melody.ended_by) for melody in found]


# ---------------------------------------------------------------------------------------------------
# Checkpoints


def same(one: object, other: object) -> bool:
    """Equality of nested values that hold tensors."""
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other) and one.dtype == other.dtype
    if isinstance(one, dict):
        return (
            isinstance(other, dict) and list(one) == list(other) and all(same(one[k], other[k]) for k in one)
        )
    if isinstance(one, (list, tuple)):
        return isinstance(other, type(one)) and len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("kind", ["notes", "abc"])
def test_a_checkpoint_survives_its_bytes(kind: str) -> None:
    found = checkpoint(kind)
    best = Best(1, 2.5, {name: tensor + 1 for name, tensor in found.weights.items()})
    for whole in (found, changed(found, best=best, carried=None, stopped_early=True)):
        again = Checkpoint.from_bytes(whole.as_bytes(), "here")
        for field in dataclasses.fields(Checkpoint):
            before, after = getattr(whole, field.name), getattr(again, field.name)
            if field.name == "vocabulary":
                assert after.as_dict() == before.as_dict()
            elif field.name == "best" and before is not None:
                assert (after.iteration, after.nats_per_token) == (1, 2.5)
                assert same(after.weights, before.weights)
            else:
                assert same(before, after), field.name


def test_the_kept_weights_are_the_best_ones_if_they_are_to_be() -> None:
    found = checkpoint()
    best = Best(1, 2.5, {name: tensor + 1 for name, tensor in found.weights.items()})
    assert same(changed(found, best=best).model().state_dict(), best.weights)
    last = dataclasses.replace(found.config, keep="last")
    assert same(changed(found, best=best, config=last).model().state_dict(), found.weights)
    assert not found.model().training
    assert found.done
    assert not changed(found, config=dataclasses.replace(found.config, iterations=2)).done
    assert changed(found, config=dataclasses.replace(found.config, iterations=2), stopped_early=True).done


WHOLE = checkpoint().as_bytes()


@quickly
@given(st.integers(0, len(WHOLE) - 1), st.binary(max_size=4))
def test_damaged_bytes_are_one_sentence(at: int, noise: bytes) -> None:
    """torch.load raises UnicodeDecodeError, AttributeError and others on damaged bytes."""
    for damaged in (WHOLE[:at], noise + WHOLE[at:], noise):
        with suppress(StoreError):  # nothing else; bytes behind the archive's end do no harm
            Checkpoint.from_bytes(damaged, "here")


def repacked(**more: object) -> bytes:
    values = torch.load(io.BytesIO(WHOLE), weights_only=True)
    values = {key: value for key, value in (values | more).items() if value != "left out"}
    buffer = io.BytesIO()
    torch.save(values, buffer)
    return buffer.getvalue()


def in_bytes(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "here is damaged or no checkpoint of musicexp"),
        (WHOLE[: len(WHOLE) // 2], "here is damaged or no checkpoint of musicexp"),
        (in_bytes([1, 2]), "here is no checkpoint of musicexp"),
        (in_bytes({"state_dict": {}}), "here has checkpoint format None, and this version of musicexp reads format 2"),
        (repacked(format=1), "here has checkpoint format 1"),
        (repacked(config="left out"), "here is damaged: it lacks 'config'"),
        (repacked(weights="left out"), "here is damaged or of another version of musicexp: .*weights"),
        (repacked(more=1), "here is damaged or of another version of musicexp: .*more"),
        (repacked(config={"lr": 1}), "here holds settings that this version of musicexp does not know"),
        (repacked(vocabulary={"format": 1}), "the vocabulary is damaged"),
        (repacked(resolved=3), "here is damaged: it lacks"),
    ],
    ids=["empty", "half", "list", "other", "format", "config", "weights", "more", "settings", "vocabulary", "resolved"],
)  # fmt: skip
def test_what_is_no_checkpoint_is_one_sentence(data: bytes, sentence: str) -> None:
    """A checkpoint that lacked a part ended in a KeyError or a TypeError."""
    with pytest.raises(StoreError, match=sentence) as caught:
        Checkpoint.from_bytes(data, "here")
    assert "\n" not in str(caught.value)


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return (Path.touch, (tmp_path / "executed",))

    with pytest.raises(StoreError, match="damaged or no checkpoint"):
        Checkpoint.from_bytes(in_bytes(Evil()), "here")
    assert not (tmp_path / "executed").exists()


def test_generators_go_on_where_they_were() -> None:
    import random

    def next_ones() -> tuple[float, float, float]:
        return random.random(), np.random.random(), float(torch.rand(1))

    before = generator_states()
    stored = torch.load(io.BytesIO(in_bytes(before)), weights_only=True)
    first = next_ones()
    assert next_ones() != first
    restore_generators(stored)
    assert next_ones() == first
    restore_generators(before)


# ---------------------------------------------------------------------------------------------------
# Melodies


@pytest.mark.parametrize("kind", ["notes", "abc"])
def test_melodies_are_the_same_every_time_however_many_are_asked_for(kind: str) -> None:
    """A row's logits differ in their last bits between batches of 1 and of 64, and a draw with them."""
    found = checkpoint(kind, pieces=TUNES)
    four = written(melodies(found, samples()))
    assert written(melodies(found, samples())) == four
    assert written(melodies(found, samples(count=19)))[:4] == four
    assert written(melodies(found, samples(count=1))) == four[:1]
    assert len({data for _, data, _ in written(melodies(found, samples(count=19)))}) > 15
    assert written(melodies(found, samples(seed=1))) != four
    assert melodies(found, samples(count=0)) == []


def test_which_sample_is_which() -> None:
    found = melodies(checkpoint(), samples(temperature=(0.5, 1.0, 2.0), count=5, seed=7))
    assert [(m.file, m.temperature, m.draw, m.seed) for m in found] == [
        ("sample_1.mid", 0.5, 1, 7),
        ("sample_2.mid", 1.0, 1, 7),
        ("sample_3.mid", 2.0, 1, 7),
        ("sample_4.mid", 0.5, 2, 7),
        ("sample_5.mid", 1.0, 2, 7),
    ]
    assert found[0].as_dict() == {
        "temperature": 0.5,
        "seed": 7,
        "draw": 1,
        "notes": len(found[0].piece),
        "quarters": found[0].piece.quarters,
        "ended_by": found[0].ended_by,
    }


def test_temperatures_of_one_number_draw_their_own() -> None:
    """Two equal temperatures are two streams: index and not value names them."""
    first, second = melodies(checkpoint(), samples(temperature=(1.0, 1.0), count=2))
    assert first.midi() != second.midi()


@pytest.mark.parametrize("kind", ["notes", "abc"])
def test_melodies_are_midi_files_with_the_corpus_s_tempo(kind: str, tmp_path: Path) -> None:
    for melody in melodies(checkpoint(kind, pieces=TUNES), samples(count=6)):
        assert 1 <= len(set(melody.piece.onset.tolist())) <= 12
        assert melody.piece.tempo == 96.0
        assert kind == "abc" or melody.piece.metre == (6, 8)
        (tmp_path / melody.file).write_bytes(melody.midi())
        [again] = read_file(tmp_path / melody.file).pieces
        assert sounding(again) == sounding(melody.piece)
        assert again.tempo == 96.0


# ---------------------------------------------------------------------------------------------------
# Primes


PRIME = Piece.of(
    [Note(96 + 24 * i, 24, p) for i, p in enumerate((60, 64, 67, 72, 60))], tempo=144.0, metre=(3, 4)
)


@pytest.mark.parametrize("kind", ["notes", "abc"])
@pytest.mark.parametrize("suffix", [".mid", ".abc"])
def test_a_melody_begins_with_its_prime(tmp_path: Path, kind: str, suffix: str) -> None:
    file = tmp_path / f"prime{suffix}"
    if suffix == ".mid":
        write_midi(PRIME, file)
    else:
        file.write_text("X:1\nM:3/4\nL:1/4\nK:C\nz4 CEG|cC|\n")
    tunes = (shifted(PRIME, steps=-96), Piece.of(PRIME.notes(), metre=(3, 4)), *TUNES)
    found = melodies(checkpoint(kind, pieces=tunes), samples(prime=str(file), count=3))
    for melody in found:
        assert sounding(melody.piece)[:3] == [(0, 24, 60), (24, 24, 64), (48, 24, 67)]
        assert melody.piece.notes()[3][:3:2] == (72, 72)
        assert len(set(melody.piece.onset.tolist())) <= 4 + 12
        assert melody.piece.tempo == (144.0 if suffix == ".mid" else 120.0)
        assert melody.piece.metre == (3, 4)
    assert len({melody.midi() for melody in found}) > 1


def test_a_prime_keeps_its_fermatas(tmp_path: Path) -> None:
    """The notes of a prime were taken without them, and it went on as one long phrase."""
    file = tmp_path / "prime.krn"
    file.write_text("\n".join(["**kern", "*M4/4", "=1", "4c", "4d;", "4e;", "4f;", "=", "*-", ""]))
    spelling = tokenizer("voice")
    whole = spelling.tokens(scale(60, 62, 64, 65, duration=24))
    ids, first = read_prime(str(file), 3, spelling, spelling.vocabulary([[*whole, "fermata"]]), "nearest")
    assert fermatas(first) == [False, True, True]
    assert len(ids) == 2 + 2 * 3 + 2
    plain, _ = read_prime(str(file), 3, spelling, spelling.vocabulary([whole]), "nearest")
    assert len(plain) == 2 + 2 * 3


def test_a_short_prime_is_taken_whole(tmp_path: Path) -> None:
    write_midi(scale(60, 64, duration=24), tmp_path / "p.mid")
    [found] = melodies(checkpoint(), samples(prime=str(tmp_path / "p.mid"), count=1, prime_notes=100))
    assert sounding(found.piece)[:2] == [(0, 24, 60), (24, 24, 64)]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("gone.mid", None, r"prime=.*gone\.mid: no such file \(looked in .*\); name a file of music"),
        (
            "bad.mid",
            b"no MIDI",
            r"prime=.*bad\.mid cannot be used: it is no MIDI file, or a damaged one; name another file of music",
        ),
        (
            "bad.abc",
            b"no ABC",
            r"prime=.*bad\.abc cannot be used: holds no tune.*; name another file of music",
        ),
        (
            "low.abc",
            b"X:1\nK:C\nC,,,",
            r"the melody has the pitch 24 \(MIDI number\).*transpose it or take another run",
        ),
    ],
)
def test_a_prime_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(MusicError, match=sentence) as caught:
        melodies(checkpoint(), samples(prime=str(tmp_path / name)))
    assert "\n" not in str(caught.value)


def test_a_prime_of_unknown_tokens_is_refused(tmp_path: Path) -> None:
    """`<unk>` stood for its every note, was left out, and the melody began with something else."""
    write_midi(scale(30, 31, 60, duration=24), tmp_path / "p.mid")
    spelling = tokenizer("notes")
    known = spelling.vocabulary([spelling.tokens(piece) for piece in TUNES], unknown=True)
    with pytest.raises(
        MusicError, match=r"p\.mid does not suit this run: 3 of its 3 tokens are none that the model knows"
    ):
        read_prime(str(tmp_path / "p.mid"), 16, spelling, known, "unknown")
