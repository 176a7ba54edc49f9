"""What figures are called in tables and sentences, whatever room they come from."""

from __future__ import annotations

import re

from musicexp.metrics.panel import METRICS

HEADINGS = {
    "bits_per_note/val": "bits per note, validation",
    "bits_per_note/test": "bits per note, test",
    "nll_nats/val": "nats per token, validation",
    "nll_nats/test": "nats per token, test",
    "nll_nats/train": "nats per token, training",
    "seconds": "seconds of training",
    "iterations_per_second": "iterations per second",
    "parameters": "parameters",
    "iterations": "iterations",
    "best_iteration": "best iteration",
    "roughness/val": "roughness of the validation curve",
    "spikes/val": "spikes of the validation curve",
    "roughness/train": "roughness of the training curve",
    "spikes/train": "spikes of the training curve",
}
MUSIC = re.compile(r"music/([^/.]+)(\.auc|\.oa)?(?:/(.+))?")
"""A metric of the samples: its name, nothing or what of it, and the set: T1.5 is temperature 1.5."""
OF_MUSIC = {None: "", ".auc": ", AUC against real pieces", ".oa": ", overlap with real pieces"}


def heading(name: str) -> str:
    """Such as "bits per note, validation" or "groove at T = 1"."""
    found = MUSIC.fullmatch(name)
    if found is None:
        return HEADINGS.get(name, name)
    metric, what, where = found.groups()
    temperature = re.fullmatch(r"T([\d.]+)", where or "")
    at = f" at T = {temperature[1]}" if temperature else f" of {where}" if where else ""
    known = METRICS.get(metric)
    title = known.title if known else metric.replace("_", " ")
    return f"{title}{at}{OF_MUSIC[what]}"
