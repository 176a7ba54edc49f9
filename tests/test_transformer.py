"""The Transformer: what it may look at, that steps are the whole pass, and that it goes wherever the LSTM goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from test_resume import SignalAt, outcome, trained
from torch import Tensor

from musicexp.config import Config, compose, fields_of, recorded
from musicexp.errors import Interruption, RunError, SettingError
from musicexp.generation import Checkpoint, new_model
from musicexp.generation.checkpoint import FILE
from musicexp.model import Members, MusicModel, MusicTransformer, Resolved, Stepper, members_of, transformer
from musicexp.tokens import BOS, EOS, Vocabulary
from musicexp.tracking import MemoryRun
from musicexp.training.devices import resolved_here
from musicexp.training.introduction import model_lines

PITCHES = Vocabulary.of("pitches", [[str(pitch)] for pitch in range(58, 74)])
TINY = ("model=transformer", "model.hidden_size=12", "model.heads=3", "model.embedding_dim=12")


def a_model(*words: str, precision: str = "fp64") -> MusicModel:
    """In evaluation, all its weights drawn anew, so that those count which begin at zero."""
    torch.manual_seed(0)
    model = new_model(PITCHES, compose([*TINY, *words]).model, Resolved("torch", precision, 1)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return model


def tunes(rows: int, tokens: int, seed: int = 0) -> Tensor:
    """Random pieces, BOS first."""
    random = np.random.default_rng(seed)
    ids = random.integers(EOS + 1, len(PITCHES), (rows, tokens))
    ids[:, 0] = BOS
    return torch.from_numpy(ids)


def test_shapes_and_a_state_that_holds_nothing() -> None:
    model, ids = a_model("model.members=3"), tunes(4, 6)
    logits, state = model(ids)
    assert logits.shape == (4, 6, len(PITCHES))
    assert state.hidden_LBH.shape == state.cell_LBH.shape == (0, 4, 0)
    assert torch.equal(model(ids, state.detached())[0], logits)
    with torch.no_grad():
        assert (logits.exp().sum(-1) - 1).abs().max() < 1e-12, "members speak in probabilities"


@pytest.mark.parametrize("viewpoints", ["false", "true"])
def test_no_token_knows_of_those_behind_it(viewpoints: str) -> None:
    model, ids = a_model(f"model.viewpoints={viewpoints}"), tunes(3, 20)
    other = ids.clone()
    other[:, 12:] = tunes(3, 20, seed=1)[:, 12:]
    with torch.no_grad():
        mine, its = model(ids)[0], model(other)[0]
    assert (mine[:, :12] - its[:, :12]).abs().max() < 1e-12
    assert (mine[:, 12:] - its[:, 12:]).abs().max() > 1e-3


def test_every_token_before_counts_and_so_does_its_distance() -> None:
    model, ids = a_model("model.num_layers=1"), tunes(1, 10)
    with torch.no_grad():
        last = model(ids)[0][0, -1]
        for place in range(1, 9):
            other = ids.clone()
            other[0, place] = EOS + 1 + (ids[0, place] - EOS) % 16
            assert (model(other)[0][0, -1] - last).abs().max() > 1e-6, place
        swapped = ids[:, [0, 2, 1, *range(3, 10)]]
        assert ids[0, 1] != ids[0, 2]
        assert (model(swapped)[0][0, -1] - last).abs().max() > 1e-6


def test_a_token_looks_at_its_own_piece_alone() -> None:
    """What stands before a BOS in a window is another piece: nothing of it is known behind."""
    model, ids = a_model(), tunes(2, 9)
    before = tunes(2, 5, seed=3)[:, 1:]
    with torch.no_grad():
        whole = model(torch.cat([before, ids], 1))[0][:, 4:]
        assert (whole - model(ids)[0]).abs().max() < 1e-12


def test_many_queries_are_those_of_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long piece is looked through in parts; beyond FAR, too."""
    model, ids = a_model(), tunes(2, 150)
    with torch.no_grad():
        whole = model(ids)[0]
        monkeypatch.setattr(transformer, "QUERIES_AT_ONCE", 7)
        assert (model(ids)[0] - whole).abs().max() < 1e-12


@pytest.mark.parametrize(
    "words", [(), ("model.embedding_dim=5",), ("model.viewpoints=true", "model.members=2")]
)
@pytest.mark.parametrize(("precision", "within"), [("fp64", 1e-9), ("fp32", 1e-5)])
def test_steps_say_what_the_whole_piece_says(words: tuple[str, ...], precision: str, within: float) -> None:
    """Token after token as all at once: most of it read, then steps, across where the kept room is made larger."""
    model, ids = a_model(*words, precision=precision), tunes(3, 134)
    stepper = Stepper(model)
    stepper.read(ids[:, :120].numpy())
    with torch.no_grad():
        wanted = model(ids)[0].double().log_softmax(-1).numpy()
    for time in range(120, 134):
        assert np.abs(stepper(ids[:, time].numpy()) - wanted[:, time]).max() < within, time


def test_every_weight_learns() -> None:
    model, ids = a_model("model.viewpoints=true", "model.embedding_dim=5"), tunes(3, 30)
    ids[:, 20:] = ids[:, 4:14]  # what came before comes again: there is something to point at
    nats, _ = model.nats(ids[:, :-1], ids[:, 1:], None)
    nats.backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_fresh_one_looks_less_at_what_is_far() -> None:
    """Distances that no training window has are not strange: they begin where the nearer ones lead."""
    [member] = members_of(new_model(PITCHES, compose(TINY).model, Resolved("torch", "fp32", 1)))
    assert isinstance(member, MusicTransformer)
    for block in member.blocks:
        assert (block.distances_NF.diff(dim=1) < 0).all()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model.heads=5",), "model.hidden_size=12 must be a multiple of model.heads=5.*take model.hidden_size=15"),
        (("model.recurrent_dropout=0.5",), "model.recurrent_dropout=0.5 is for an LSTM.*write model.recurrent_dropout=0"),
    ],
)  # fmt: skip
def test_what_no_transformer_can_be_is_refused(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingError, match=said):
        compose([*TINY, *words])


def test_it_is_computed_by_torch_and_that_is_said() -> None:
    config = compose(["model=transformer", "threads=1"])
    here = resolved_here(config)
    assert (here.recurrence, here.precision) == ("torch", "fp32")
    assert model_lines(config, here) == [
        "model    2 x 128 Transformer, 4 heads, computed by torch, fp32, 1 thread",
        "         a Transformer carries nothing from window to window: each begins anew",
    ]
    assert len(model_lines(compose(["model=transformer", "windows=random"]), here)) == 1
    for word in ("recurrence=native", "recurrence=hoisted", "precision=bf16"):
        with pytest.raises(RunError, match=f"{word} is .*an LSTM, and this model is a Transformer"):
            resolved_here(compose(["model=transformer", word]))


def test_a_run_of_before_is_an_lstm_and_known_by_its_signature() -> None:
    """What was trained and measured before there was a choice is found again, not trained again."""
    config = compose(["model=lstm1"])
    assert "model.kind" in config.flat()
    values = config.as_dict()
    del values["model"]["kind"], values["model"]["heads"]
    assert recorded(values) == config
    flat = config.flat()
    told = {name: flat[name] for name, f in fields_of(Config) if f.metadata["changes_result"]}
    for since in ("model.kind", "model.heads", "samples.ppm", "initial", "dataset.apart_from"):
        del told[since]
    written = json.dumps([told, "more"], sort_keys=True)
    assert config.signature("more") == hashlib.sha256(written.encode()).hexdigest()[:16]
    assert config.signature() != compose(["model=lstm1", "model.kind=transformer"]).signature()
    one, other = (compose([*TINY, f"model.heads={heads}"]).signature() for heads in (2, 4))
    assert one != other


@pytest.mark.slow
def test_it_goes_on_where_it_was_killed(small: Callable[..., list[str]], cache: Path) -> None:
    """With dropout, members, and windows that are contiguous; equal to the last bit, melodies too."""
    config = compose(small(*TINY, "model.dropout=0.2", "model.members=2"))
    whole, stopped = trained(config, MemoryRun(), cache), MemoryRun()
    with pytest.raises(Interruption):
        trained(config, stopped, cache, SignalAt(iteration=11))
    model = Checkpoint.from_bytes(stopped.files[FILE], "it").model()
    assert isinstance(model, Members)
    assert isinstance(members_of(model)[0], MusicTransformer)
    assert outcome(trained(config, stopped, cache)) == outcome(whole)
