"""What counting reaches on a data set: counted on its training pieces, once, and said beside the LSTM in words."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from musicexp.baselines import NAMES, PPM, NGram
from musicexp.config import Config, compose
from musicexp.data import TokenStore
from musicexp.errors import StoreError
from musicexp.generation import counting
from musicexp.metrics import Likelihood
from musicexp.music import Side
from musicexp.report.console import summary_lines
from musicexp.training import RunResult, yardsticks
from musicexp.training.material import prepare

SIDES: tuple[Side, ...] = ("train", "val", "test")


@pytest.fixture(scope="module")
def prepared(tunes: Path, tmp_path_factory: pytest.TempPathFactory) -> TokenStore:
    return prepare(compose(["dataset=midi", f"dataset.path={tunes}"]), tmp_path_factory.mktemp("cache")).store


@cache
def config() -> Config:
    return compose([])


def refuse(*_: object) -> None:
    raise AssertionError("counted again")


def test_they_are_counted_on_the_training_pieces(prepared: TokenStore) -> None:
    found = yardsticks.yardsticks(prepared)
    assert list(found) == [*NAMES.values(), "ppm"]
    train, size = list(prepared.sequences("train")), len(prepared.vocabulary)
    models = {name: NGram(order, size) for order, name in NAMES.items()} | {"ppm": PPM(size)}
    for side in ("val", "test"):
        pieces = list(prepared.sequences(side))
        for name, model in models.items():
            expected = Likelihood(
                float(model.fit(train).nll_nats(pieces).sum()),
                sum(len(piece) - 1 for piece in pieces),
                int(prepared.notes(side).sum()),
            )
            assert found[name][side].tokens == expected.tokens
            assert found[name][side].notes == expected.notes
            assert found[name][side].nats == pytest.approx(expected.nats, rel=1e-12)


def test_they_are_counted_once(prepared: TokenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept is the same to the last bit; what is damaged is counted again."""
    first = yardsticks.yardsticks(prepared)
    with monkeypatch.context() as patch:
        patch.setattr(yardsticks, "_models", refuse)
        assert yardsticks.yardsticks(prepared) == first
    [kept] = prepared.folder.glob("baselines-*")
    kept.write_text(kept.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    assert yardsticks.yardsticks(prepared) == first
    assert [path.name for path in prepared.folder.glob("baselines-*")] == [kept.name]
    TokenStore.open(prepared.folder)


def test_a_folder_that_keeps_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"baselines cannot be kept in .*gone: No such file.*MUSICEXP_CACHE"):
        yardsticks._keep(tmp_path / "gone" / "baselines-1.json", {})


def test_of_very_many_tokens_ppm_counts_some_and_says_so(
    prepared: TokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert counting.ppm_left_out(prepared) == ""
    lengths = prepared.sequences("train").lengths()
    monkeypatch.setattr(counting, "MOST_TOKENS", int(lengths[:4].sum()))
    assert [ids.tolist() for ids in counting.counted(prepared)] == [
        ids.tolist() for ids in list(prepared.sequences("train"))[:4]
    ]
    assert f"counted 4 of the {len(lengths)} training pieces" in counting.ppm_left_out(prepared)


def verdict(lstm: float, ppm: float | None, recalling: float | None = None) -> str:
    """What is said of an LSTM and a PPM at so many bits per note, beside a bigram at 5 and a trigram at 4.

    Args:
        recalling: of the same LSTM with recall.
    """

    def at(bits: float) -> Likelihood:
        return Likelihood(bits * np.log(2) * 100, 100, 100)

    levels = {"bigram": 5.0, "trigram": 4.0} | ({"ppm": ppm} if ppm is not None else {})
    result = RunResult(
        id="1",
        name="one",
        config=config(),
        iterations=10,
        best_iteration=None,
        likelihoods={side: at(lstm) for side in SIDES},
        baselines={name: {side: at(bits) for side in SIDES[1:]} for name, bits in levels.items()},
        melodies=[],
        files=[],
        seconds=1.0,
        parameters=1,
        recalling={side: at(recalling) for side in SIDES[1:]} if recalling is not None else {},
    )
    lines = summary_lines(result, "here")
    last = "ppm" if ppm is not None else "trigram"
    [row] = [line for line in lines if line.startswith(last)]
    begin = lines.index(row) + 1
    return " ".join(lines[begin : lines.index("", begin)])


def test_the_winner_is_named_in_words() -> None:
    assert verdict(2.5, 3.0) == "The LSTM beats counting (bigram, trigram) and PPM on the test pieces."
    assert verdict(2.5, None) == "The LSTM beats counting (bigram, trigram) on the test pieces."
    assert verdict(3.12, 3.0) == (
        "PPM predicts the test pieces better than the LSTM by 0.12 bits per note: it also counts what each piece has "
        "played so far. The LSTM beats counting (bigram, trigram)."
    )
    assert verdict(3.5, 3.0, 2.6) == (
        "The LSTM with recall predicts the test pieces best: 0.40 bits per note below PPM, which also knows what each "
        "piece has played so far. Alone the LSTM beats counting (bigram, trigram), not PPM."
    )
    assert verdict(3.5, 3.0, 3.2).startswith(
        "PPM predicts the test pieces better than the LSTM with recall by 0.20 bits per note: it also counts"
    )
    assert verdict(4.5, 3.0).startswith("The LSTM does not yet beat trigram, PPM on the test pieces: train")
    assert verdict(4.5, 4.6).startswith("The LSTM does not yet beat trigram on the test pieces: train")
