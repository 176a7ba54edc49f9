"""The test figure of a run that was finished without one, because it was one of many and not yet chosen."""

from __future__ import annotations

import json

from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.tracking import cache_dir, open_store
from musicexp.training.material import prepare
from musicexp.training.train import judge


def test_figures(tracking_uri: str, experiment: str, run_id: str) -> dict[str, float]:
    """Compute a finished run's likelihood of the test pieces, and leave it in its metrics and summary.json.

    Returns:
        `nll_nats/test` and `bits_per_note/test`.

    Raises:
        StoreError: the run's checkpoint is gone or damaged.
    """
    run = open_store(tracking_uri, experiment, create=False).find(run_id)
    checkpoint = Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), f"{CHECKPOINT_FILE} of run {run.name}")
    found = judge(checkpoint, prepare(checkpoint.config, cache_dir(tracking_uri)), ["test"])["test"]
    run.log_metrics(
        {"nll_nats/test": found.nats_per_token, "bits_per_note/test": found.bits_per_note},
        checkpoint.iteration,
    )
    run.flush()
    summary = json.loads(run.read("summary.json"))
    summary["nll_nats"]["test"] = found.nats_per_token
    summary["bits_per_note"]["test"] = found.bits_per_note
    run.write("summary.json", json.dumps(summary, indent=1).encode())
    return {"nll_nats/test": found.nats_per_token, "bits_per_note/test": found.bits_per_note}
