"""`initial`: a run begins with the weights of another, token by token."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from test_resume import SignalAt

from musicexp.config import Config, build, compose, recorded
from musicexp.errors import Interruption, RunError, SettingError
from musicexp.generation import Checkpoint, new_model
from musicexp.generation.transfer import check_alike, check_fitting, fresh_tokens, take_weights
from musicexp.model import MusicModel, Resolved
from musicexp.tokens import Vocabulary
from musicexp.tracking import MlflowRun, open_store
from musicexp.training import Silent, conduct, conduct_seeds

Small = Callable[..., list[str]]

PLAIN = Resolved(recurrence="torch", precision="fp32", threads=1)
KINDS = {
    "lstm": ("model=lstm1",),
    "members": ("model=lstm1", "model.members=2"),
    "viewpoints": ("model=lstm2", "model.viewpoints=true"),
    "transformer": ("model=transformer", "model.heads=2", "model.viewpoints=true"),
}
SIZE = ("tokens=pitches", "model.hidden_size=8", "model.embedding_dim=4", "optimizer=adam")


def pitches(*numbers: int) -> Vocabulary:
    return Vocabulary("pitches", ["<pad>", "<bos>", "<eos>", *map(str, numbers)])


def settings(*words: str) -> Config:
    return compose([*SIZE, *words])


def begun(config: Config, vocabulary: Vocabulary, seed: int) -> MusicModel:
    torch.manual_seed(seed)
    model = new_model(vocabulary, config.model, PLAIN)
    for parameter in model.parameters():  # what is fresh and zero would not be told from what was learned
        torch.nn.init.normal_(parameter)
    return model.eval()


def checkpoint(config: Config, vocabulary: Vocabulary, model: MusicModel) -> Checkpoint:
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    return Checkpoint(
        config=config, vocabulary=vocabulary, resolved=PLAIN, iteration=1, weights=weights, optimizer={}, carried=None,
        best=None, bad_validations=0, stopped_early=False, seconds=0.0, generators=[], data_fingerprint="",
        tempo=120.0, metre=(4, 4),
    )  # fmt: skip


def said(model: MusicModel, vocabulary: Vocabulary, tokens: Sequence[str], of: Sequence[str]) -> torch.Tensor:
    """The logits of some tokens behind a melody, up to what is added to all."""
    ids = torch.from_numpy(vocabulary.encode(["<bos>", *tokens]))[None]
    logits = model(ids)[0][0][:, vocabulary.encode(of)]
    return torch.as_tensor(logits - logits.mean(-1, keepdim=True))


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_is_the_same_function_of_tokens_that_both_know(kind: str) -> None:
    """It would take rows by id where the vocabularies order tokens otherwise."""
    config = settings(*KINDS[kind])
    theirs, ours = pitches(55, 60, 62, 64, 71), pitches(60, 62, 63, 64, 65)
    before = begun(config, theirs, 1)
    found = checkpoint(config, theirs, before)
    model = begun(config, ours, 2)
    fresh = {name: value.clone() for name, value in model.state_dict().items()}
    take_weights(model, ours, found)
    shared, melody = ["<eos>", "60", "62", "64"], ["60", "62", "64", "62", "60", "62"]
    with torch.no_grad():
        one, other = (said(m, v, melody, shared) for m, v in ((before, theirs), (model, ours)))
    if kind != "members":  # the mean of probabilities over other tokens besides is another one
        assert torch.allclose(one, other, atol=1e-5)
    new = ours.encode(["63", "65"])
    old = ours.encode(shared)
    assert fresh_tokens(ours, found) == ["63", "65"]
    rows = [name for name in fresh if name.rpartition(".")[0].rpartition(".")[2] in ("embedding", "head")]
    assert len(rows) == 3 * config.model.members
    for name, value in model.state_dict().items():
        if name in rows:
            assert torch.equal(value[new], fresh[name][new])
            assert torch.equal(value[old], before.state_dict()[name][theirs.encode(shared)])
        else:
            assert torch.equal(value, before.state_dict()[name])


@pytest.mark.parametrize(
    ("word", "there", "here"),
    [
        ("model.hidden_size=16", "model.hidden_size=8", "model.hidden_size=16"),
        ("model.viewpoints=true", "model.viewpoints=false", "model.viewpoints=true"),
        ("model.members=3", "model.members=1", "model.members=3"),
        ("model=lstm2", "model.num_layers=1", "model.num_layers=2"),
        ("tokens=notes", "tokens.kind=pitches", "tokens.kind=notes"),
        ("model=transformer", "model.kind=lstm", "model.kind=transformer"),
    ],
)
def test_a_model_of_another_shape_is_refused_with_both_values(word: str, there: str, here: str) -> None:
    before = settings("model=lstm1")
    known = pitches(60)
    found = checkpoint(before, known, begun(before, known, 1))
    with pytest.raises(SettingError) as refused:
        check_alike(settings("model=lstm1", word, "initial=mine"), found, "mine (1234)")
    assert str(refused.value).startswith("initial=mine: run mine (1234) has ")
    assert there in str(refused.value).partition(", where this one has ")[0]
    assert here in str(refused.value).partition(", where this one has ")[2]


def test_heads_count_for_a_transformer_alone() -> None:
    known = pitches(60)
    for kind, refused in (("lstm1", False), ("transformer", True)):
        before = settings(f"model={kind}", "model.heads=2")
        found = checkpoint(before, known, begun(before, known, 1))
        asked = dataclasses.replace(before, model=dataclasses.replace(before.model, heads=4))
        if refused:
            with pytest.raises(SettingError, match=r"model\.heads=2"):
                check_alike(asked, found, "mine")
        else:
            check_alike(asked, found, "mine")


def test_dropout_is_free() -> None:
    before, known = settings("model=lstm1"), pitches(60)
    found = checkpoint(before, known, begun(before, known, 1))
    check_alike(
        settings("model=lstm1", "model.dropout=0.4", "model.recurrent_dropout=0.2", "lr=1e-4"), found, "mine"
    )


def test_vocabularies_that_tell_other_things_are_refused_where_the_model_looks_at_them() -> None:
    config = settings("model=lstm1", "model.viewpoints=true", "tokens=notes", "initial=mine")
    rests = Vocabulary("notes", ["<pad>", "<bos>", "<eos>", "60:1", "r:1"])
    none = Vocabulary("notes", ["<pad>", "<bos>", "<eos>", "60:1"])
    found = checkpoint(config, rests, begun(config, rests, 1))
    check_fitting(config, rests, PLAIN, found, "mine")
    with pytest.raises(RunError, match="sees other things"):
        check_fitting(config, none, PLAIN, found, "mine")


def test_a_run_without_it_keeps_its_signature() -> None:
    config = compose([])
    assert config.initial is None
    of_before: dict[str, Any] = config.as_dict()
    del of_before["initial"], of_before["dataset"]["apart_from"]
    assert recorded(of_before).signature() == config.signature()
    begun_with = dataclasses.replace(config, initial="a" * 32)
    assert begun_with.signature() != config.signature()
    assert build(begun_with.as_dict()) == begun_with


def test_fine_tuning_from_the_command_line_to_the_signature(small: Small, store: str, tmp_path: Path) -> None:
    first = conduct(compose(small("name=first")), Silent())
    reporter = Silent()
    words = small("initial=first", "seed=1", "iterations=8", "lr=1e-9")
    second = conduct(compose(words), reporter)
    run = open_store(store, "musicexp").find(second.id)
    assert f"begins with the weights of run first ({first.id}): it knows" in reporter.text()
    assert run.tags["initial.run"] == first.id
    assert run.tags["initial.fresh_tokens"] == "0"
    assert run.params["initial"] == first.id
    # So slow a learner is what it began as.
    assert second.likelihoods["test"].nats_per_token == pytest.approx(
        first.likelihoods["test"].nats_per_token, abs=1e-4
    )
    latest = conduct(compose(small("initial=last", "iterations=8")), Silent())
    assert latest.config.initial == second.id, "the word `last` would mean another run tomorrow"
    by_id = conduct(compose(small(f"initial={second.id}", "iterations=8")), Silent())
    tags = [open_store(store, "musicexp").find(result.id).tags for result in (latest, by_id)]
    assert tags[0]["signature"] == tags[1]["signature"]


def test_what_cannot_be_begun_with_is_refused_before_there_is_a_run(small: Small, store: str) -> None:
    for _ in range(2):
        conduct(compose(small("name=twin", "iterations=4")), Silent())
    with pytest.raises(Interruption):
        conduct(compose(small("name=cut")), SignalAt(iteration=5))
    for word, sentence in (
        ("twin", "2 runs are called 'twin'"),
        ("nobody", "no run 'nobody'"),
        ("cut", r"initial=cut: run cut \(.*\) is not finished \(KILLED\)"),
    ):
        with pytest.raises(RunError, match=sentence):
            conduct(compose(small(f"initial={word}")), Silent())
    twin = open_store(store, "musicexp").runs({})[0]
    with pytest.raises(SettingError, match=r"model\.hidden_size=16.*model\.hidden_size=32"):
        conduct(compose(small(f"initial={twin.id}", "model.hidden_size=32")), Silent())
    assert len(open_store(store, "musicexp").runs({})) == 3


def test_a_resumed_run_needs_the_other_one_no_more(small: Small, store: str) -> None:
    first = conduct(compose(small("name=first")), Silent())
    words = small("initial=first", "seed=1")
    whole = conduct(compose(words), Silent())
    with pytest.raises(Interruption):
        conduct(compose([*words, "name=cut"]), SignalAt(iteration=9))
    opened = open_store(store, "musicexp")
    opened.client.delete_run(first.id)
    resumed = conduct(compose(["resume=cut"]), Silent())
    curves = [losses(opened.find(result.id)) for result in (whole, resumed)]
    assert curves[0] == curves[1]


def losses(run: MlflowRun) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in run._client.get_metric_history(run.id, "loss/train")]


def test_several_seeds_begin_alike(small: Small, store: str) -> None:
    """Seed 1 would begin with what seed 0 became."""
    first = conduct(compose(small("iterations=4")), Silent())
    found = conduct_seeds(compose(small("iterations=4", "initial=last")), 2, Silent())
    assert [result.config.initial for result in found] == [first.id, first.id]


@pytest.mark.slow
def test_a_sweep_begins_alike_in_all_trials(small: Small, store: str) -> None:
    from musicexp.sweep import sweep

    first = conduct(compose(small()), Silent())
    sweep([*small("initial=last", "samples.count=0"), "lr=choice(1e-3,2e-3)", "trials=2", "workers=1"])
    trials = open_store(store, "musicexp").runs({"musicexp": "trial"})
    assert [run.tags["initial.run"] for run in trials] == [first.id] * 2


@pytest.mark.slow
def test_two_devices_begin_alike(small: Small, store: str) -> None:
    """The second process would train from fresh weights, and nobody would see it but in the losses."""
    first = conduct(compose(small("batch_size=4")), Silent())
    words = small(f"initial={first.id}", "batch_size=4", "model.dropout=0", "precision=fp32", "iterations=5")
    curves = [
        losses(
            open_store(store, "musicexp").find(
                conduct(compose([*words, f"trainer.devices={n}"]), Silent()).id
            )
        )
        for n in (1, 2)
    ]
    assert [loss for _, loss in curves[0]] == pytest.approx([loss for _, loss in curves[1]], abs=1e-4)
