"""`pretrained=true`: a run on other melodies for each set, which all of its folds begin with.

It learns from the Essen folk songs, of which those are left out that share a run of 15 intervals with any melody of the set
(`dataset.apart_from`): no test melody is among what it learns from, nor one that goes like it in another key.
"""

from __future__ import annotations

import dataclasses

from musicexp.benchmark.folds import SIGNATURE, TAG, Place, alone, done
from musicexp.benchmark.plan import Plan, Pretraining
from musicexp.errors import RunError
from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.music import Side
from musicexp.report import Terminal, duration
from musicexp.tracking import MlflowRun
from musicexp.training import Role, Silent, conduct, prepare
from musicexp.wording import count

KIND = f"{TAG}.pretraining"
MELODIES = f"{TAG}.melodies"
SIDES: tuple[Side, ...] = ("val",)
"""Nobody asks it about a test piece."""


def found(plan: Plan, place: Place) -> Plan:
    """The plan with what its folds begin with, as far as that is trained."""
    if not plan.asked.pretrained:
        return plan
    there = {of: _done(plan, place, of) for of in plan.asked.sets}
    return dataclasses.replace(
        plan, pretraining={of: _told(run) for of, run in there.items() if run is not None}
    )


def pretrain(plan: Plan, place: Place, terminal: Terminal) -> Plan:
    """Train what is missing of it, and return the plan with all of it.

    Raises:
        MusicexpError: it cannot be trained, or another process does.
        Interruption: a signal came; the same command goes on.
    """
    for of in plan.asked.sets:
        lock = place.cache / "locks" / f"{TAG}-{_signature(plan, of)}.lock"
        with alone(lock) as mine:
            if not mine:
                raise RunError(
                    f"what the folds of {of} begin with is being trained by another process; when it is done, the same command goes on"
                )
            if _done(plan, place, of) is None:
                _trained(plan, place, of, terminal)
    return found(plan, place)


def _trained(plan: Plan, place: Place, of: str, terminal: Terminal) -> None:
    config = plan.pretraining_config(of)
    material = prepare(config, place.cache, terminal.preparing)
    melodies, apart = len(material.ids["train"]), material.summary.apart
    stopped = [run for run in _runs(plan, place, of) if run.status != "FINISHED" and run.has("config.yaml")]
    terminal.say(
        f"first    {of}: {'goes on to learn' if stopped else 'learning'} from {melodies:,} other melodies; "
        f"{count(apart, 'one is', 'are')} left out as too near to the set"
    )
    if stopped:
        config = dataclasses.replace(config, resume=stopped[-1].id)
    tags = {
        TAG: "pearce",
        f"{TAG}.set": of,
        KIND: "true",
        MELODIES: str(melodies),
        SIGNATURE: _signature(plan, of),
    }
    try:
        result = conduct(config, Silent(), Role(tags=tags, material=material, sides=SIDES))
    except BaseException:
        terminal.say("what was learned is kept, and the same command goes on")
        raise
    terminal.say(f"         {duration(result.seconds)} of training, run {result.name} ({result.id})")


def _signature(plan: Plan, of: str) -> str:
    return plan.pretraining_config(of).signature()


def _runs(plan: Plan, place: Place, of: str) -> list[MlflowRun]:
    return place.store.runs({TAG: "pearce", KIND: "true", SIGNATURE: _signature(plan, of)}, here=True)


def _done(plan: Plan, place: Place, of: str) -> MlflowRun | None:
    return done(_runs(plan, place, of))


def _told(run: MlflowRun) -> Pretraining:
    checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), f"{CHECKPOINT_FILE} of run {run.name}")
    return Pretraining(run.id, int(run.tags[MELODIES]), checkpoint.seconds)
