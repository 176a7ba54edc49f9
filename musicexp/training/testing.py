"""The test figure of a run that was finished without one, because it was one of many and not yet chosen."""

from __future__ import annotations

import json
from dataclasses import dataclass

from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.generation.scored import scored_melodies
from musicexp.metrics import Likelihood
from musicexp.metrics.judgement import Judgement
from musicexp.tracking import cache_dir, open_store
from musicexp.training.judging import judge
from musicexp.training.material import prepare
from musicexp.training.scoring import score


@dataclass(frozen=True)
class Tested:
    """Test figures of a run.

    Attributes:
        music: its scored samples beside the test pieces; None if it scored none.
    """

    likelihood: Likelihood
    music: Judgement | None


def test_figures(tracking_uri: str, experiment: str, run_id: str) -> Tested:
    """Compute a finished run's likelihood of the test pieces, and how its samples stand beside them.

    Both are left in its summary.json, the likelihood in its metrics too.

    Raises:
        StoreError: the run's checkpoint is gone or damaged.
    """
    run = open_store(tracking_uri, experiment, create=False).find(run_id)
    checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), f"{CHECKPOINT_FILE} of run {run.name}")
    cache, settings = cache_dir(tracking_uri), checkpoint.config.samples
    material = prepare(checkpoint.config, cache)
    figures = judge(checkpoint, material, ["test"])
    found, recalling = figures.likelihoods["test"], figures.recalling.get("test")
    drawn = scored_melodies(checkpoint, settings, material.partner(settings)) if settings.scored else []
    music = score(material, checkpoint, cache, drawn, ["test"])
    tested = {"nll_nats/test": found.nats_per_token, "bits_per_note/test": found.bits_per_note}
    if recalling:
        tested["recall/nll_nats/test"] = recalling.nats_per_token
        tested["recall/bits_per_note/test"] = recalling.bits_per_note
    run.log_metrics(tested, checkpoint.iteration)
    run.flush()
    summary = json.loads(run.read("summary.json"))
    summary["nll_nats"]["test"] = found.nats_per_token
    summary["bits_per_note"]["test"] = found.bits_per_note
    if recalling:
        summary["recall"]["nll_nats"]["test"] = recalling.nats_per_token
        summary["recall"]["bits_per_note"]["test"] = recalling.bits_per_note
    summary["music_test"] = music.as_dict() if music else None
    run.write("summary.json", json.dumps(summary, indent=1).encode())
    return Tested(found, music)
