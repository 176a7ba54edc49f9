"""How many configurations does a sweep try in a given time, and how good is the best of them?

    python experiments/sweepers/environment.py DIR
    python experiments/sweepers/compare.py --environment DIR

Three arms search the same space (space.py) on the same prepared data, each for the same time from the start of its
process to its end: `sweep` with its defaults; hydra-optuna-sweeper with its own Optuna, driving `musicexp.run`; and
random search without pruning, one configuration after another. They take turns, seed by seed of the sampler. Counted are
the configurations whose runs were over (through or pruned) when the time was. Writes table.md beside itself.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from space import FIXED, SPACE

from musicexp.config import compose
from musicexp.metrics import paired
from musicexp.tracking import cache_dir, open_store, store_uri
from musicexp.training import Silent, cpu_threads, prepare

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENDLESS = 100_000
"""Trials asked for: nobody comes so far."""
SECONDS_TO_SAVE = 60.0
"""How long an arm may take to close what it trains, once its time is over; it does not count."""
OURS, HYDRA, RANDOM = "sweep", "hydra-optuna-sweeper", "random search"
ARMS = (OURS, HYDRA, RANDOM)


@dataclass(frozen=True)
class Outcome:
    """What an arm had reached when its time was over.

    Attributes:
        tried: configurations through or pruned.
        nll_nats, bits_per_note: the best on the validation pieces, of those that are through.
        processor_seconds: used by all its processes.
    """

    tried: int
    pruned: int
    failed: int
    nll_nats: float
    bits_per_note: float
    processor_seconds: float


def command(arm: str, seed: int, python: str, threads: str) -> list[str]:
    """How an arm is started.

    Args:
        python: of the environment with hydra-optuna-sweeper.
        threads: of the arms that train one configuration after another.
    """
    ours = [sys.executable, "-m", "musicexp", "sweep", *FIXED, *SPACE, f"trials={ENDLESS}"]
    if arm == OURS:
        return [*ours, f"sampler_seed={seed}"]
    if arm == RANDOM:
        # A sweep validates at the marks of its budget even if nobody prunes there; by the clock there are fewer of them.
        alone = ["sampler=random", "pruner=none", "workers=1", "budget=seconds"]
        return [*ours, f"sampler_seed={seed}", *alone, f"threads={threads}"]
    sweeper = {
        "hydra/sweeper": "optuna",
        "hydra/sweeper/sampler": "tpe",
        "hydra.sweeper.sampler.seed": seed,
        "hydra.sweeper.direction": "minimize",
        "hydra.sweeper.n_trials": ENDLESS,
        # 2 by default, which chooses two at a time and, with Hydra's own launcher, trains one after the other.
        "hydra.sweeper.n_jobs": 1,
        # A configuration that diverges ends the whole sweep by default.
        "hydra.sweeper.max_failure_rate": 1,
    }
    words = [f"{name}={value}" for name, value in sweeper.items()]
    return [python, str(HERE / "hydra_app.py"), "--multirun", *words, *FIXED, *SPACE, f"threads={threads}"]


def environment(folder: Path) -> dict[str, str]:
    """The same prepared data for all, a store for each."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSICEXP_")}
    return kept | {
        "MUSICEXP_CACHE": str(cache_dir(store_uri(None))),
        "MLFLOW_TRACKING_URI": str(folder / "mlflow.db"),
        "PYTHONPATH": str(ROOT),
    }


def searched(words: Sequence[str], folder: Path, seconds: float) -> Outcome:
    """Let an arm search in its folder until its time is over; what it had reached by then."""
    folder.mkdir(parents=True)
    uri = store_uri(str(folder / "mlflow.db"))
    open_store(uri, "musicexp")  # its tables are made before the time begins, for all arms alike
    used = _processor_seconds()
    with (folder / "said.txt").open("wb") as said:
        began = time.time()
        process = subprocess.Popen(
            words, cwd=folder, env=environment(folder), stdout=said, stderr=said, start_new_session=True
        )
        try:
            process.wait(timeout=seconds)
            raise SystemExit(f"ended by itself, see {said.name}: {' '.join(words)}")
        except subprocess.TimeoutExpired:
            _stop(process)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return outcome(uri, began + seconds, _processor_seconds() - used)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(timeout=SECONDS_TO_SAVE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def outcome(uri: str, until: float, processor_seconds: float) -> Outcome:
    """What the runs of a store come to that were over at a time."""
    store = open_store(uri, "musicexp", create=False)
    runs = store.client.search_runs([store.experiment_id], max_results=50_000)
    over = [run for run in runs if run.info.end_time is not None and run.info.end_time <= until * 1000]
    # A sweep has one more run, of the study itself, which trains nothing.
    tried = [run for run in over if run.info.status == "FINISHED" and "nll_nats/val" in run.data.metrics]
    through = [run for run in tried if "pruned" not in run.data.tags]

    def best(metric: str) -> float:
        return min((float(run.data.metrics[metric]) for run in through), default=float("nan"))

    return Outcome(
        tried=len(tried),
        pruned=len(tried) - len(through),
        failed=sum(run.info.status == "FAILED" for run in over),
        nll_nats=best("nll_nats/val"),
        bits_per_note=best("bits_per_note/val"),
        processor_seconds=processor_seconds,
    )


def table(found: Mapping[tuple[int, str], Outcome], seconds: float, threads: str) -> str:
    """The table as Markdown."""
    cores = cpu_threads()
    lines = [
        "# Configurations tried in equal time",
        "",
        f"`experiments/sweepers/compare.py`, {seconds:g} s an arm and seed, {cores} cores ({platform.machine()}). Tried: through or",
        "pruned within that time, start of the process included. NLL in nats per token and bits per note: the best validation",
        f"figure among those that are through. Processor: seconds used by all processes of an arm, of {seconds * cores:g}.",
        f"{HYDRA} and {RANDOM}: one configuration after another, threads={threads}.",
        "",
        "| arm | seed | tried | of them pruned | failed | best NLL | best bits per note | processor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (seed, arm), got in sorted(found.items(), key=lambda item: (ARMS.index(item[0][1]), item[0][0])):
        lines.append(
            f"| {arm} | {seed} | {got.tried} | {got.pruned} | {got.failed} | {got.nll_nats:.4f} | {got.bits_per_note:.4f} | {got.processor_seconds:.0f} |"
        )
    lines += [
        "",
        f"Pairs of the same seed. Ratio: median, smallest - largest. Difference of the best (below 0: {OURS} found a better one): mean, 95 % interval",
        "by Student's t, which for three pairs is wide.",
        "",
        "| against | tried, ratio | best NLL, difference | best bits per note, difference |",
        "|---|---|---|---|",
    ]
    for arm in ARMS:
        seeds = [seed for seed, name in found if name == arm and (seed, OURS) in found]
        if arm == OURS or not seeds:
            continue
        pairs = [(found[seed, OURS], found[seed, arm]) for seed in seeds]
        # An arm that tried nothing would be beaten by any factor; such a pair has no ratio and no best.
        pairs = [(ours, other) for ours, other in pairs if other.tried and ours.tried]
        ratios = [ours.tried / other.tried for ours, other in pairs]
        told = f"{statistics.median(ratios):.2f}, {min(ratios):.2f} - {max(ratios):.2f}" if ratios else "-"
        lines.append(
            f"| {arm} | {told} | {_difference(pairs, lambda got: got.nll_nats)} | {_difference(pairs, lambda got: got.bits_per_note)} |"
        )
    return "\n".join(lines) + "\n"


def _difference(pairs: Sequence[tuple[Outcome, Outcome]], figure: Callable[[Outcome], float]) -> str:
    ours, others = [figure(one) for one, _ in pairs], [figure(other) for _, other in pairs]
    if not pairs:
        return "-"
    if len(pairs) == 1:
        return f"{ours[0] - others[0]:+.4f}, one pair"
    mean, low, high = paired(ours, others)
    return f"{mean:+.4f}, {low:+.4f} to {high:+.4f}"


def rehearse(python: str, folder: Path) -> None:
    """A run of one iteration in both environments: nothing is read from a cold disk when the clocks begin."""
    once = (*FIXED, "iterations=1")
    for number, words in enumerate(
        ([sys.executable, "-m", "musicexp", "run"], [python, str(HERE / "hydra_app.py")])
    ):
        place = folder / f"rehearsal{number}"
        place.mkdir(parents=True)
        subprocess.run(
            [*words, *once], cwd=place, env=environment(place), stdout=subprocess.DEVNULL, check=True
        )


def main() -> None:
    """Run all arms, and write the table as it grows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, required=True, help="as environment.py has made it")
    parser.add_argument("--seconds", type=float, default=180.0, help="of each arm and seed")
    parser.add_argument("--seeds", type=int, default=3, help="of the samplers: 0, 1, ...")
    parser.add_argument(
        "--threads", default="auto", help="of the arms that train one configuration at a time"
    )
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    parser.add_argument("--keep", type=Path, help="leave stores and what was said here, a new folder")
    parser.add_argument("--table", type=Path, default=HERE / "table.md")
    given = parser.parse_args()
    python = str(given.environment.absolute() / "bin" / "python")
    prepare(compose(FIXED), cache_dir(store_uri(None)), Silent().preparing)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep.absolute() if given.keep else Path(scratch)
        rehearse(python, folder)
        found: dict[tuple[int, str], Outcome] = {}
        for seed in range(given.seeds):
            for arm in given.arms:
                place = folder / f"{arm.replace(' ', '-')}-{seed}"
                found[seed, arm] = searched(command(arm, seed, python, given.threads), place, given.seconds)
                print(f"{arm}, seed {seed}: {found[seed, arm]}", flush=True)
                given.table.write_text(table(found, given.seconds, given.threads), encoding="utf-8")
    print("\n" + given.table.read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
