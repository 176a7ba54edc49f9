"""The second pass over a data set: pieces become token ids in one long file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from musicexp.config import Dataset, Tokens
from musicexp.data.appending import Appending
from musicexp.data.sequences import sequence
from musicexp.data.store import FIRST, STARTS, TOKENS
from musicexp.data.survey import COMMIT_EVERY
from musicexp.errors import MusicError
from musicexp.music.corpus import Progress
from musicexp.music.piece import Reading
from musicexp.music.split import SIDES, Sides
from musicexp.music.transposition import transposed
from musicexp.tokens import BOS, EOS, PAD, Tokenizer, Vocabulary, encode_known, tokenizer

PROVISIONAL, PROVISIONAL_STARTS = "provisional.bin", "provisional-starts.bin"
WIDE, NARROW = "<u4", "<u2"
AT_ONCE = 1 << 16
TRAIN = SIDES.index("train")
UNKNOWN = -1

Music = Callable[[int], Iterator[tuple[int, Reading]]]
"""Every file's number and music, from some file on."""


def write_tokens(
    part: Path, music: Music, files: int, sides: Sides, dataset: Dataset, tokens: Tokens, progress: Progress
) -> tuple[Vocabulary, str, int, int]:
    """Write the sequences of all pieces; training pieces in every key that `dataset.transpose` asks for.

    Returns:
        The vocabulary; the number type of the file of tokens; how many tokens of held-out pieces were
        replaced; how many transpositions were left out because a note would leave MIDI's range.

    Raises:
        MusicError: a held-out piece has a token that the vocabulary lacks, and the settings forbid that.
    """
    spelling = tokenizer(tokens.kind)
    names, in_train, left_out = _provisional(part, music, files, sides, dataset, spelling, progress)
    taken = [
        name for name, known in zip(names, in_train, strict=True) if known or tokens.vocabulary == "corpus"
    ]
    vocabulary = spelling.vocabulary([taken], unknown=tokens.unknown == "unknown")
    kind = NARROW if len(vocabulary) - 1 <= np.iinfo(NARROW).max else WIDE
    final = np.array(
        [PAD, BOS, EOS, *(vocabulary.encode([name])[0] if name in vocabulary else UNKNOWN for name in names)]
    )
    if (final == UNKNOWN).any():
        replaced = _write_known(part, names, final, kind, spelling, vocabulary, tokens)
        return vocabulary, kind, replaced, left_out
    with (part / PROVISIONAL).open("rb") as source, (part / TOKENS).open("wb") as sink:
        while len(some := np.fromfile(source, WIDE, AT_ONCE)):
            sink.write(final[some].astype(kind).tobytes())
    shutil.copyfile(part / PROVISIONAL_STARTS, part / STARTS)
    return vocabulary, kind, 0, left_out


def _write_known(
    part: Path,
    names: Sequence[str],
    final: NDArray[np.int64],
    kind: str,
    spelling: Tokenizer,
    vocabulary: Vocabulary,
    tokens: Tokens,
) -> int:
    """Write the sequences one by one, since one with unknown tokens may get longer or shorter; how many were unknown."""
    replaced, at = 0, 0
    starts = np.fromfile(part / PROVISIONAL_STARTS, "<i8")
    with (part / PROVISIONAL).open("rb") as source, (part / TOKENS).open("wb") as sink:
        for number, length in enumerate(np.diff(starts).tolist()):
            numbers = np.fromfile(source, WIDE, length)
            ids = final[numbers]
            if (ids == UNKNOWN).any():
                text = [names[i - 3] for i in numbers[1:-1].tolist()]
                try:
                    known, several = encode_known(spelling, text, vocabulary, tokens.unknown)
                except MusicError as error:
                    raise MusicError(
                        f"a held-out piece cannot be written with the tokens of the training pieces alone, as tokens.vocabulary=train wants it: {error}"
                    ) from error
                ids, replaced = sequence(known), replaced + several
            sink.write(ids.astype(kind).tobytes())
            starts[number], at = at, at + len(ids)
    starts[-1] = at
    (part / STARTS).write_bytes(starts.tobytes())
    return replaced


def _provisional(
    part: Path,
    music: Music,
    files: int,
    sides: Sides,
    dataset: Dataset,
    spelling: Tokenizer,
    progress: Progress,
) -> tuple[list[str], list[bool], int]:
    """Tokens numbered in order of appearance; their names, whether training has them, transpositions left out.

    The final numbers are known only when the last piece was seen.
    """
    fresh = {
        "file": 0, "piece": 0, "sequences": 0, "tokens": 0, "names": [], "in_train": [], "left_out": 0, "done": False,
    }  # fmt: skip
    keys = dataset.keys()
    with Appending(part, "tokens", [PROVISIONAL, PROVISIONAL_STARTS, FIRST], fresh) as out:
        state = dict(out.state)
        names, in_train = list(state["names"]), list(state["in_train"])
        if state["done"]:
            return names, in_train, state["left_out"]
        ids = {name: number for number, name in enumerate(names, start=3)}
        for number, reading in music(state["file"]):
            for piece in reading.pieces:
                training = sides[state["piece"]] == TRAIN
                out.write(FIRST, np.array([state["sequences"]], dtype="<i4").tobytes())
                for key in keys if training else keys[:1]:
                    there = piece if key == 0 else transposed(piece, key)
                    if there is None:
                        state["left_out"] += 1
                        continue
                    text = spelling.tokens(there)
                    for name in text:
                        if name not in ids:
                            ids[name] = len(ids) + 3
                            names.append(name)
                            in_train.append(False)
                    found = [BOS, *(ids[name] for name in text), EOS]
                    if training:
                        for i in set(found[1:-1]):
                            in_train[i - 3] = True
                    out.write(PROVISIONAL_STARTS, np.array([state["tokens"]], dtype="<i8").tobytes())
                    out.write(PROVISIONAL, np.array(found, dtype=WIDE).tobytes())
                    state["tokens"] += len(found)
                    state["sequences"] += 1
                state["piece"] += 1
            last = number + 1 == files
            if (number + 1) % COMMIT_EVERY == 0 or last:
                progress("writing tokens", number + 1, files)
                if last:
                    out.write(FIRST, np.array([state["sequences"]], dtype="<i4").tobytes())
                    out.write(PROVISIONAL_STARTS, np.array([state["tokens"]], dtype="<i8").tobytes())
                state |= {"file": number + 1, "names": names, "in_train": in_train, "done": last}
                out.commit(state)
    return names, in_train, state["left_out"]
