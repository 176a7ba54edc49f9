"""One configuration with several seeds, paired: the same split, order of draws and sampling streams for every configuration.

`seed` decides weights, order of the data and dropout; the split and the melodies have seeds of their own. So seed k of
one configuration and seed k of another differ in the configuration alone, and their figures are compared in pairs.
"""

from __future__ import annotations

import dataclasses
import uuid

from musicexp.config import Config
from musicexp.errors import Interruption
from musicexp.metrics import student_t
from musicexp.training.conduct import conduct
from musicexp.training.initial import settled
from musicexp.training.reporter import Reporter
from musicexp.training.role import Role
from musicexp.training.train import RunResult

SHOWN = ("bits_per_note/val", "bits_per_note/test", "nll_nats/val", "nll_nats/test")


def conduct_seeds(config: Config, seeds: int, reporter: Reporter) -> list[RunResult]:
    """Train a configuration with the seeds `seed`, `seed` + 1, ..., each as a run; say means with intervals at the end.

    Raises:
        Interruption: a signal came; what was not begun is said.
    """
    if config.precision == "auto":  # seeds differ by less than what rounding makes
        config = dataclasses.replace(config, precision="fp32")
    config = settled(config)
    group = uuid.uuid4().hex[:8]
    results: list[RunResult] = []
    for k in range(seeds):
        seed = config.seed + k
        reporter.say(f"seed     {seed}, {k + 1} of {seeds}")
        name = f"{config.name}-{seed}" if config.name else None
        one = dataclasses.replace(config, seed=seed, name=name)
        try:
            results.append(conduct(one, reporter, Role(tags={"seeds.group": group, "seeds": str(seeds)})))
        except Interruption:
            if k + 1 < seeds:
                reporter.say(
                    f"not begun yet: {seeds - k - 1} of the {seeds} seeds; train them with the same command and seed={seed + 1} seeds={seeds - k - 1}"
                )
            raise
    for line in seed_lines(results):
        reporter.say(line)
    return results


def figures(result: RunResult) -> dict[str, float]:
    """The figures of a run by their names in MLflow."""
    found = {f"nll_nats/{side}": one.nats_per_token for side, one in result.likelihoods.items()}
    return found | {
        f"bits_per_note/{side}": one.bits_per_note
        for side, one in result.likelihoods.items()
        if side != "train"
    }


def seed_lines(results: list[RunResult]) -> list[str]:
    """Means over the seeds with 95 % Student-t intervals, and every seed's own figure."""
    lines = [
        f"seeds    {len(results)} trained; mean, 95 % interval by Student's t, then each seed's own figure"
    ]
    for name in SHOWN:
        values = [figures(result)[name] for result in results if name in figures(result)]
        if values:
            mean, low, high = student_t(values)
            interval = f"[{low:.4f}, {high:.4f}]" if len(values) > 1 else "[one seed has none]"
            lines.append(
                f"         {name:19} {mean:.4f}  {interval}  {' '.join(f'{value:.4f}' for value in values)}"
            )
    return lines
