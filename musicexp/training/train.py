"""train(config, run) -> RunResult: one run, read top to bottom."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch import Tensor

from musicexp.config import Config, to_yaml
from musicexp.data import Windows
from musicexp.errors import Interruption, RunError
from musicexp.generation import (
    CHECKPOINT_FILE,
    Checkpoint,
    Clips,
    Melody,
    generator_states,
    new_model,
    restore_generators,
)
from musicexp.generation.counting import ppm_left_out
from musicexp.generation.scored import scored_melodies
from musicexp.generation.transfer import take_weights
from musicexp.metrics import Likelihood, likelihood, nll_nats
from musicexp.metrics.judgement import Judgement
from musicexp.model import Resolved, State, viewpoints_of
from musicexp.music import Side
from musicexp.tracking import Run
from musicexp.training.callbacks import (
    BeWatched,
    Course,
    DrawClips,
    Record,
    Save,
    Signals,
    Validate,
    Validation,
)
from musicexp.training.devices import check_devices, choose_device, resolved_here
from musicexp.training.environment import code_fingerprint, code_state, machine
from musicexp.training.initial import Initial
from musicexp.training.introduction import data_lines, model_lines
from musicexp.training.judging import judge
from musicexp.training.learning import clip_index
from musicexp.training.leaving import Outcome, leave, log_figures
from musicexp.training.ledger import Ledger, RunLedger
from musicexp.training.material import Material, prepare
from musicexp.training.module import LSTMModule, WindowsModule
from musicexp.training.peers import ALONE, Peers
from musicexp.training.ranks import fit_apart
from musicexp.training.references import Reference, references
from musicexp.training.reporter import Reporter
from musicexp.training.role import ITS_OWN, Role, Watch
from musicexp.training.scoring import score


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        id, name: of the run in its store.
        iterations: how many optimizer steps it took.
        likelihoods: by side; the training side is judged on as many pieces as the validation side has.
        baselines: by name, then by held-out side.
        melodies: sample_1 ... as drawn.
        files: names at the root of the run's artifacts.
        seconds: spent in training, over all sittings.
        parameters: of the model.
        pruned: why the run was ended by who watched it; None if it ended by itself.
        references: real pieces of the data set that were left beside the melodies.
        clips: how many were drawn while it learned.
        judgement: the scored samples beside real music; None where none were scored.
        recalling: likelihoods of the held-out sides where the model recalls what a piece said before.
    """

    id: str
    name: str
    config: Config
    iterations: int
    best_iteration: int | None
    likelihoods: dict[Side, Likelihood]
    baselines: dict[str, dict[Side, Likelihood]]
    melodies: list[Melody]
    files: list[str]
    seconds: float
    parameters: int
    pruned: str | None = None
    references: list[Reference] = field(default_factory=list)
    clips: int = 0
    judgement: Judgement | None = None
    recalling: dict[Side, Likelihood] = field(default_factory=dict)


def train(
    config: Config,
    run: Run,
    reporter: Reporter,
    *,
    cache: Path,
    signals: Signals,
    checkpoint: Checkpoint | None = None,
    material: Material | None = None,
    role: Role = ITS_OWN,
    initial: Initial | None = None,
) -> RunResult:
    """Train one configuration, from the beginning or from a checkpoint, and leave everything in the run.

    Args:
        run: an open run; it is not closed here.
        cache: the folder of prepared data.
        signals: already catching; a signal in mid-training saves and raises Interruption.
        material: prepared already; else it is prepared here.
        checkpoint: to go on from. Losses, samples and curves become those of a run never stopped.
        initial: the run that `config.initial` names; not asked for where there is a checkpoint.

    Raises:
        MusicexpError: the data, the store or the settings do not allow it.
        Interruption: a signal came; everything up to it is saved.
    """
    resolved = checkpoint.resolved if checkpoint else resolved_here(config)
    torch.set_num_threads(resolved.threads)
    run.write(
        "config.yaml", to_yaml(config.as_dict()).encode()
    )  # first, so that a run stopped in reading can go on
    material = material or prepare(config, cache, reporter.preparing)
    if checkpoint and checkpoint.data_fingerprint != material.summary.identity:
        raise RunError(
            f"the music of {material.summary.where}{', or its table of folds,' if material.summary.folds else ''} has changed since run {run.name} began (fingerprint "
            f"{material.summary.identity}, then {checkpoint.data_fingerprint}); put it back, or start a new run"
        )
    assert checkpoint or (initial is None) == (config.initial is None), "initial is found before"
    introduce(config, run, reporter, material, resolved, first=checkpoint is None, initial=initial)
    real = references(material, config, cache)  # now, while the music that was read is there for sure

    pruned: str | None = None
    if checkpoint is None or not checkpoint.done:
        check_devices(config)
        ledger = RunLedger(run, reporter, config.iterations)
        course = Course()
        if config.trainer.devices > 1:
            assert role.watch is None, "several devices cannot be watched"
            checkpoint = fit_apart(
                config,
                ledger,
                material,
                resolved,
                signals,
                checkpoint,
                initial.checkpoint if initial else None,
            )
        else:
            checkpoint = fit(
                config,
                ledger,
                material,
                resolved,
                signals,
                checkpoint,
                course=course,
                watch=role.watch,
                initial=initial.checkpoint if initial else None,
            )
        pruned = course.pruned
    if pruned is not None:
        reporter.say(f"pruned   behind iteration {checkpoint.iteration:,}: {pruned}")
        run.set_tags({"pruned": pruned})
    sides: tuple[Side, ...] = ("val",) if pruned is not None else role.sides
    figures = judge(checkpoint, material, sides)
    checkpoint = dataclasses.replace(checkpoint, recall=figures.recall)
    if pruned is None or role.pruned_samples:
        run.write(CHECKPOINT_FILE, checkpoint.as_bytes())
    baselines = {
        name: {side: found[side] for side in sides if side in found}
        for name, found in material.baselines.items()
    }
    if left_out := ppm_left_out(material.store):
        reporter.say(f"ppm      {left_out}")
    drawn = (
        scored_melodies(checkpoint, config.samples, material.partner(config.samples))
        if pruned is None or role.pruned_samples
        else []
    )
    shown = drawn[: config.samples.count]
    judgement = score(material, checkpoint, cache, drawn, sides) if pruned is None else None
    outcome = Outcome(checkpoint, figures, baselines, shown, real, judgement)
    log_figures(run, outcome)
    files = leave(run, outcome, reporter.say)
    return RunResult(
        id=run.id,
        name=run.name,
        config=config,
        iterations=checkpoint.iteration,
        best_iteration=checkpoint.best.iteration if checkpoint.best else None,
        likelihoods=figures.likelihoods,
        baselines=baselines,
        melodies=shown,
        files=files,
        seconds=checkpoint.seconds,
        parameters=sum(weight.numel() for weight in checkpoint.weights.values()),
        pruned=pruned,
        references=real,
        clips=len(clip_index(run)),
        judgement=judgement,
        recalling=figures.recalling,
    )


def parameters(config: Config, material: Material) -> int:
    """How many parameters a configuration's model has; none of them takes memory here."""
    with torch.device("meta"):
        return new_model(material.vocabulary, config.model, resolved_here(config)).parameters_count


def introduce(
    config: Config,
    run: Run,
    reporter: Reporter,
    material: Material,
    resolved: Resolved,
    *,
    first: bool,
    initial: Initial | None = None,
) -> None:
    """Say what is trained on what, and leave params, tags, data set and configuration in the run."""
    data = material.summary
    for line in data_lines(config, material):
        reporter.say(line)
    for line in model_lines(config, resolved):
        reporter.say(line)
    if initial:
        reporter.say(f"         {initial.line(material.vocabulary)}")
    if not first:
        return
    code = code_state()
    run.log_params(config.flat())
    run.set_tags(
        {
            "signature": config.signature(
                data.identity, code_fingerprint(), *map(str, vars(resolved).values())
            ),
            "data_fingerprint": data.fingerprint,
            "rejected": data.rejected,
            "split.grouped": config.split.grouped,
            "vocabulary_fingerprint": material.vocabulary.fingerprint,
            "seed": config.seed,
            **{f"resolved.{key}": value for key, value in vars(resolved).items()},
            **(initial.tags(material.vocabulary) if initial else {}),
            **code.tags,
            **machine(),
        }
    )
    profile = {"pieces": data.pieces, "notes": data.notes, "rejected": data.rejected}
    run.log_dataset(data.name, data.fingerprint, data.where, json.dumps(profile))
    run.write("vocabulary.json", json.dumps(material.vocabulary.as_dict(), indent=1).encode())
    if code.diff:
        run.write("diff.patch", code.diff)
    if data.rejected:
        run.write("rejected.csv", material.store.rejected_csv())


def fit(
    config: Config,
    ledger: Ledger,
    material: Material,
    resolved: Resolved,
    signals: Signals,
    checkpoint: Checkpoint | None,
    peers: Peers = ALONE,
    course: Course | None = None,
    watch: Watch | None = None,
    initial: Checkpoint | None = None,
) -> Checkpoint:
    """The training loop, from iteration 1 or from behind the checkpoint, to its end or to a signal.

    Args:
        peers: who trains on the other devices; all call this with equal arguments but the ledger.
        course: filled in, for who wants to know how it went.
        watch: may end it early; on one device only.
        initial: whose weights are begun with where there is no checkpoint.
    """
    device = choose_device(config.trainer.accelerator)
    torch.manual_seed(config.seed)
    model = new_model(material.vocabulary, config.model, resolved)
    peers.begin_own_stream(config.seed)
    mine = peers.rows(config.batch_size)
    module, course = LSTMModule(model, config), course or Course()
    several = f" x {peers.size}" if peers.size > 1 else ""
    ledger.say(
        f"         {model.parameters_count:,} parameters on {device.type}{several}, {config.iterations:,} iterations of {config.batch_size} x {config.seq_length} tokens"
    )
    if checkpoint is not None:
        model.load_state_dict(checkpoint.weights)
        module.iteration = checkpoint.iteration
        module.carried = (
            State(*(part[:, mine].to(device) for part in checkpoint.carried)) if checkpoint.carried else None
        )
        course.best, course.bad_validations = checkpoint.best, checkpoint.bad_validations
        course.seconds = checkpoint.seconds
        ledger.say(f"         going on behind iteration {checkpoint.iteration:,}")
    elif initial is not None:
        take_weights(model, material.vocabulary, initial)

    def snapshot() -> Checkpoint:
        carried = tuple(part.cpu() for part in module.carried) if module.carried else None
        everyones = peers.gathered((carried, generator_states()))
        return Checkpoint(
            config=config,
            vocabulary=material.vocabulary,
            resolved=resolved,
            iteration=module.iteration,
            weights={name: value.detach().cpu() for name, value in model.state_dict().items()},
            optimizer=trainer.optimizers[0].state_dict(),
            carried=_of_all_rows([state for state, _ in everyones if state]),
            best=course.best,
            bad_validations=course.bad_validations,
            stopped_early=course.stopped_early,
            seconds=course.seconds_in_all,
            generators=[states for _, states in everyones],
            data_fingerprint=data.identity,
            tempo=data.tempo,
            metre=data.metre,
        )

    def save() -> None:
        ledger.save(snapshot())

    def validation_likelihood() -> Likelihood:
        pieces = material.ids["val"]
        return likelihood(nll_nats(model, pieces), pieces, int(material.notes["val"].sum()))

    data = material.summary
    clips = None
    if config.samples.every and peers.rank == 0:
        clips = Clips.of(config, material.vocabulary, resolved, tempo=data.tempo, metre=data.metre)
    validation = Validation(validation_likelihood)
    callbacks: list[pl.Callback] = [
        Record(course, ledger, peers, config),
        Validate(validation, course, ledger, peers, config),
        *([DrawClips(clips, course, ledger, config)] if clips else []),
        *([BeWatched(watch, validation, course, ledger)] if watch else []),
        Save(save, signals, course, peers, config),
        *([_Restore(checkpoint, peers)] if checkpoint else []),
    ]
    windows = Windows(
        material.ids["train"],
        config.batch_size,
        config.seq_length,
        config.seed,
        config.windows,
        module.iteration + 1,
        dealt=mine,
        viewpoints=viewpoints_of(model),
    )
    with _quiet_lightning():
        trainer = pl.Trainer(
            max_steps=config.iterations - module.iteration,
            max_epochs=-1,
            accelerator="gpu" if device.type == "cuda" else "cpu",
            devices=peers.size,
            strategy=peers.strategy(),
            precision="64-true" if resolved.precision == "fp64" else "32-true",
            gradient_clip_val=config.optimizer.clip or None,
            deterministic=True,
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        course.started = time.monotonic()
        signals.deferred = True
        try:
            trainer.fit(module, datamodule=WindowsModule(windows))
        finally:
            signals.deferred = False
    (signalled,) = peers.any(signals.came is not None)
    if signalled:
        raise Interruption
    return snapshot()


def _of_all_rows(states: list[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor] | None:
    """The LSTM state of a whole batch from those of its shares, in order; none if none is carried."""
    if not states:
        return None
    hidden_LBH, cell_LBH = (torch.cat(parts, dim=1) for parts in zip(*states, strict=True))
    return hidden_LBH, cell_LBH


class _Restore(pl.Callback):
    """Puts optimizer and random generators back, once Lightning has made the optimizer."""

    def __init__(self, checkpoint: Checkpoint, peers: Peers) -> None:
        self._checkpoint = checkpoint
        self._peers = peers

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.optimizers[0].load_state_dict(self._checkpoint.optimizer)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        # Not before the first batch: the DataLoader's iterator itself draws a number when it is made.
        if batch_idx == 0:
            restore_generators(self._checkpoint.generators[self._peers.rank])


class _quiet_lightning:  # noqa: N801  a context manager, read like a verb
    """Lightning's hints about workers, devices and paid services are not for our users."""

    def __enter__(self) -> None:
        self._caught = warnings.catch_warnings()
        self._caught.__enter__()
        warnings.simplefilter("ignore")
        for name in (
            "pytorch_lightning",
            "lightning_fabric",
            "lightning.pytorch",
            "pytorch_lightning.utilities.rank_zero",
        ):
            logging.getLogger(name).setLevel(logging.ERROR)

    def __exit__(self, *caught: object) -> None:
        self._caught.__exit__(*caught)  # type: ignore[arg-type]
