"""Runs side by side: what differs, what is unfair, groups of seeds, gaps instead of errors, and a run as a folder."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import shlex
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import musicexp
from musicexp.api import export_words
from musicexp.cli import main
from musicexp.cli.compare import page_file, sorted_out
from musicexp.cli.complete import candidates
from musicexp.config import compose, read_config, to_yaml
from musicexp.config.settings import at
from musicexp.errors import RunError, StoreError
from musicexp.metrics import student_t
from musicexp.report import (
    Comparison,
    compare_runs,
    comparison_csv,
    comparison_frame,
    comparison_json,
    show_comparison,
)
from musicexp.report.chosen_runs import Chosen
from musicexp.report.compare import comparison
from musicexp.report.comparison import CURVES, FIGURES, ComparedRun, as_dict
from musicexp.report.export import export_run, without_references
from musicexp.report.pace import points
from musicexp.tracking import MlflowRun, Store, open_store, store_uri, without_password
from musicexp.training import Silent

HOSTILE = '<script>alert(1)</script> "音乐" it\'s & [red]'
TINY = (
    "model=lstm1",
    "model.hidden_size=8",
    "model.embedding_dim=4",
    "batch_size=2",
    "seq_length=8",
    "iterations=3",
    "validation.every=2",
    "samples.max_notes=6",
    "samples.scored=0",
    "threads=1",
    "render.audio=false",
    "render.score=false",
)


@dataclass(frozen=True)
class Library:
    """A real store with trained runs: seed-0 and seed-1 of one configuration, events with other tokens.

    Attributes:
        config, files, metrics: of seed-0, of which twins are made.
    """

    uri: str
    store: Store
    config: dict[str, Any]
    files: dict[str, bytes]
    metrics: dict[str, list[tuple[int, float]]]

    def find(self, name: str) -> MlflowRun:
        return self.store.find(name)

    def twin(
        self,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
        metrics: Mapping[str, float] | None = None,
        files: Mapping[str, bytes] | None = None,
        without: tuple[str, ...] = (),
        status: Any = "FINISHED",
        experiment: str | None = None,
    ) -> MlflowRun:
        """A run like seed-0, but for what is said: as if it had been trained so."""
        like = self.find("seed-0")
        kept = {key: value for key, value in like.tags.items() if not key.startswith("mlflow.")}
        store = open_store(self.uri, experiment) if experiment else self.store
        made = store.create_run(name, kept | {"signature": name} | dict(tags or {}))
        config = json.loads(json.dumps(self.config))
        for dotted, value in (settings or {}).items():
            *rooms, leaf = dotted.split(".")
            at(config, ".".join(rooms))[leaf] = value
        made.log_params(like.params | {dotted: str(value) for dotted, value in (settings or {}).items()})
        for metric, curve in self.metrics.items():
            for iteration, value in curve:
                made.log_metrics({metric: (metrics or {}).get(metric, value)}, iteration)
        made.flush()
        folder = Path(made.place)
        folder.mkdir(parents=True)
        own = {"config.yaml": to_yaml(config).encode()} if settings else {}
        for file, data in (self.files | own | dict(files or {})).items():
            if file not in without:
                (folder / file).write_bytes(data)  # without fsync, of which a test has no use
        if status != "RUNNING":
            made.close(status)
        return self.find(made.id)


@pytest.fixture(scope="module")
def library(
    tmp_path_factory: pytest.TempPathFactory, _new_store: Path, cache: Path, tunes: Path
) -> Iterator[Library]:
    path = tmp_path_factory.mktemp("compare") / "mlflow.db"
    shutil.copy(_new_store, path)
    data = ("dataset=midi", f"dataset.path={tunes}", f"tracking.uri={path}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUSICEXP_CACHE", str(cache))
        patch.setenv("MLFLOW_TRACKING_URI", str(path))
        for words in (("seed=0", "name=seed-0"), ("seed=1", "name=seed-1"), ("tokens=events", "name=events")):
            musicexp.run(*data, *TINY, *words, reporter=Silent())
        store = open_store(store_uri(str(path)), "musicexp")
        run = store.find("seed-0")
        yield Library(
            uri=store.uri,
            store=store,
            config=read_config(run.read("config.yaml"), "config.yaml").as_dict(),
            files={file: run.read(file) for file in run.files()},
            metrics={metric: run.curve(metric) for metric in run.metrics},
        )


@pytest.fixture(scope="module")
def read(library: Library) -> ComparedRun:
    """seed-0 as it was read, for what needs no store."""
    return compare_runs(library.store, ["seed-0"]).runs[0]


@pytest.fixture(scope="module")
def _victim(library: Library) -> MlflowRun:
    return library.twin("victim")


@pytest.fixture
def victim(library: Library, _victim: MlflowRun) -> Iterator[MlflowRun]:
    """A run whose files a test may delete and damage; the next test finds them whole."""
    yield _victim
    folder = Path(_victim.place)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for file, data in library.files.items():
        (folder / file).write_bytes(data)


def like(run: ComparedRun, name: str, **more: Any) -> ComparedRun:
    """A run like another; dotted settings and figures are given as `settings` and `figures`, whole mappings else."""
    for part in ("settings", "figures", "fingerprints", "code", "versions", "resolved", "tags"):
        if part in more:
            more[part] = {**getattr(run, part), **more[part]}
    seed = more.get("settings", run.settings)["seed"]
    tags = {**run.tags, "signature": name} | more.pop("tags", {})
    return replace(run, id=hashlib.md5(name.encode()).hexdigest(), name=name, seed=seed, tags=tags, **more)


def beside(*runs: ComparedRun) -> Comparison:
    return comparison(Chosen("some runs", (), ()), runs, "a store")


def compared(library: Library, *names: str) -> Comparison:
    return compare_runs(library.store, names)


def one(library: Library, run: MlflowRun) -> ComparedRun:
    return compare_runs(library.store, [run.id]).runs[0]


def shown(found: Comparison) -> str:
    out = io.StringIO()
    show_comparison(found, out)
    return out.getvalue()


# ---------------------------------------------------------------------------------------------------
# A run


def test_a_run_is_read_whole(library: Library) -> None:
    run = library.find("seed-0")
    found = one(library, run)
    summary = json.loads(run.read("summary.json"))
    assert (found.id, found.name, found.status, found.experiment) == (
        run.id,
        "seed-0",
        "FINISHED",
        "musicexp",
    )
    assert found.seed == 0
    assert found.missing == ()
    assert found.settings == flat(run)
    assert set(found.figures) == set(FIGURES)
    assert found.figures["nll_nats/test"] == summary["nll_nats"]["test"]
    assert found.figures["bits_per_note/val"] == summary["bits_per_note"]["val"]
    assert found.figures["parameters"] == summary["parameters"]
    assert found.baselines == {name: s["val"] for name, s in summary["baseline_nll_nats"].items()}
    assert [(p.iteration, p.value) for p in found.curves["train"]] == run.curve("loss/train")
    assert [p.tokens_seen for p in found.curves["train"]] == [16, 32, 48]
    assert [p.iteration for p in found.curves["val"]] == [2, 3]
    seconds = [p.seconds for p in found.curves["train"]]
    assert 0 < seconds[0] <= seconds[1] <= seconds[2] <= summary["seconds"] + 1e-3
    assert [s.file for s in found.samples] == [f"sample_{k}.mid" for k in (1, 2, 3, 4)]
    assert [(s.temperature, s.draw) for s in found.samples] == [(1.0, 1), (1.5, 1), (1.0, 2), (1.5, 2)]
    assert all(s.piece is not None and s.notes == len(s.piece) for s in found.samples)
    assert found.fingerprints["data"] == run.tags["data_fingerprint"]
    assert re.fullmatch("[0-9a-f]{40}|none", found.code["commit"])


def flat(run: MlflowRun) -> dict[str, Any]:
    return read_config(run.read("config.yaml"), "config.yaml").flat()


def test_real_pieces_of_the_corpus_are_references(library: Library, read: ComparedRun) -> None:
    told = json.loads(library.files["summary.json"])["references"]
    assert told
    assert {r.file: (r.title, r.facts["side"], len(r.piece or ())) for r in read.references} == {
        file: (facts["title"], facts["side"], facts["notes"]) for file, facts in told.items()
    }
    midi = library.files["sample_1.mid"]
    run = library.twin("with-references", files={"reference_9.mid": midi, "reference_10.mid": b"no midi"})
    found = one(library, run)
    assert [(r.number, r.title, r.piece is None) for r in found.references[-2:]] == [
        (9, "reference_9", False),
        (10, "reference_10", True),
    ]
    assert any("reference_10.mid cannot be read as music" in sentence for sentence in found.missing)


# ---------------------------------------------------------------------------------------------------
# Seconds: a pause is no training


def test_a_pause_between_two_sittings_does_not_count() -> None:
    # Ten iterations of a second each, half an hour of rest behind the fourth.
    logged = [(i, 5.0, 1_000_000 + 1000 * i + (1_800_000 if i > 4 else 0)) for i in range(1, 11)]
    for trained in (10.0, None):
        found = points({"train": logged, "val": []}, 16, trained)["train"]
        assert [p.seconds for p in found] == pytest.approx([float(i) for i in range(1, 11)], abs=0.01)
        assert [p.tokens_seen for p in found] == [16 * i for i in range(1, 11)]


def test_a_slow_validation_counts_and_stands_between_its_neighbours() -> None:
    train = [(1, 5.0, 1000), (2, 4.9, 2000), (3, 4.8, 7000)]
    found = points({"train": train, "val": [(2, 4.0, 6000)]}, 0, 7.0)
    assert [p.seconds for p in found["train"]] == [1.0, 2.0, 7.0]
    assert [p.seconds for p in found["val"]] == [6.0]


def test_curves_of_nothing_and_of_one_point() -> None:
    assert points({"train": [], "val": []}, 5, None) == {"train": (), "val": ()}
    [only] = points({"train": [(1, 2.0, 99)], "val": []}, 5, 0.5)["train"]
    assert (only.seconds, only.value) == (0.0, 2.0)


# ---------------------------------------------------------------------------------------------------
# What differs


def test_settings_that_differ_stand_apart_those_that_matter_first(library: Library) -> None:
    library.twin("faster", settings={"lr": 0.05, "checkpoint.seconds": 7.0})
    found = compared(library, "seed-0", "faster")
    assert [(d.name, d.values, d.matters) for d in found.differing] == [
        ("lr", (0.005, 0.05), True),
        ("checkpoint.seconds", (60.0, 7.0), False),
    ]
    assert "lr" not in found.same
    assert found.same["batch_size"] == 2
    assert not {"name", "tracking.uri"} & set(found.same)
    assert found.factors == ("lr",)
    assert found.nats_comparable
    assert found.bits_comparable
    table = shown(found)
    assert re.search(r"lr +0\.005 +0\.05\n", table)
    assert table.index("checkpoint.seconds") < table.index("bits/note validation")
    assert "nats/token validation" in table


def test_several_factors_at_once_are_named(read: ComparedRun) -> None:
    found = beside(read, like(read, "two-factors", settings={"lr": 0.05, "batch_size": 4}))
    assert set(found.factors) == {"lr", "batch_size"}
    assert "lr and batch_size differ at once: nothing here says which one did it" in found.remarks


@pytest.mark.parametrize(
    ("changed", "name", "nats", "bits"),
    [
        ({"fingerprints": {"data": "f00d"}}, "data", False, False),
        ({"settings": {"split.seed": 1}}, "split.seed", False, False),
        ({"settings": {"split.val": 0.2}}, "split.val", False, False),
        ({"settings": {"split.grouped": False}}, "split.grouped", False, False),
        ({"settings": {"split.fold": 1}}, "split.fold", False, False),
        ({"fingerprints": {"vocabulary": "beef"}}, "vocabulary", False, True),
        ({"code": {"fingerprint": "c0de"}}, "code", True, True),
        ({"versions": {"torch": "1.0"}}, "torch", True, True),
        ({"resolved": {"precision": "fp64"}}, "precision", True, True),
    ],
)
def test_what_makes_a_comparison_unfair_is_said(
    read: ComparedRun, changed: dict[str, Any], name: str, nats: bool, bits: bool
) -> None:
    found = beside(read, like(read, "unlike", **changed))
    assert (found.nats_comparable, found.bits_comparable) == (nats, bits)
    assert bool(found.nats_reason) == (not nats)
    assert bool(found.bits_reason) == (not bits)
    [different] = [one for one in found.environment if one.name == name]
    assert (different.unfair is None) == nats
    assert name not in found.shared_environment
    table = shown(found)
    assert ("nats/token" in table) == nats
    assert ("unfair" in table) == (not nats)
    assert "bits/note validation" in table
    assert ("rank nothing" in table) == (not bits)


def test_other_tokens_are_another_vocabulary(library: Library) -> None:
    """What the software itself makes of tokens=events, not a tag that a test has written."""
    found = compared(library, "seed-0", "events")
    assert not found.nats_comparable
    assert found.bits_comparable
    assert "vocabular" in found.nats_reason
    assert "data" in found.shared_environment


def test_a_run_that_does_not_say_is_not_taken_to_differ(read: ComparedRun) -> None:
    found = beside(read, like(read, "silent", fingerprints={"data": ""}))
    assert found.bits_comparable
    [data] = [one for one in found.environment if one.name == "data"]
    assert "unknown for silent" in data.remark


# ---------------------------------------------------------------------------------------------------
# Seeds


def test_seeds_of_one_configuration_are_a_group_with_a_mean_and_a_band(library: Library) -> None:
    found = compared(library, "seed-1", "events", "seed-0")
    assert [group.runs for group in found.groups] == [(2, 0), (1,)]
    seeds, alone = found.groups
    assert seeds.seeds == (0, 1)
    assert "2 seeds" in seeds.label
    values = [found.runs[k].figures["bits_per_note/val"] for k in seeds.runs]
    spread = seeds.figures["bits_per_note/val"]
    assert (spread.mean, spread.low, spread.high) == pytest.approx(student_t(values))
    assert alone.curves == {}
    assert alone.figures["bits_per_note/val"].low is None
    for side in CURVES:
        curves = [found.runs[k].curves[side] for k in seeds.runs]
        assert [p.iteration for p in seeds.curves[side]] == [p.iteration for p in curves[0]]
        for k, band in enumerate(seeds.curves[side]):
            assert (band.mean, band.low, band.high) == pytest.approx(
                student_t([curve[k].value for curve in curves])
            )
    assert "seed" not in found.factors
    assert " ± " in shown(found)


def test_seeds_alone_are_one_group_and_nothing_is_told_apart(library: Library) -> None:
    found = compared(library, "seed-0", "seed-1")
    assert len(found.groups) == 1
    assert found.groups[0].label == "seed-0 and 1 more seed"
    assert found.factors == ()


def test_the_same_run_trained_twice_does_not_narrow_the_interval(read: ComparedRun) -> None:
    other = like(read, "other", settings={"seed": 1})
    found = beside(read, other, like(read, "again", tags={"signature": read.tags["signature"]}))
    assert [group.runs for group in found.groups] == [(0, 1), (2,)]
    assert any("seed-0 and again have one signature" in remark for remark in found.remarks)


def test_other_code_is_no_other_seed(read: ComparedRun) -> None:
    found = beside(read, like(read, "newer", settings={"seed": 5}, code={"fingerprint": "c0de"}))
    assert len(found.groups) == 2
    assert set(found.factors) == {"seed", "code"}


BITS = "bits_per_note/val"


def test_one_seed_each_is_said_to_be_an_anecdote(read: ComparedRun) -> None:
    worse = {BITS: read.figures[BITS] + 1}
    found = beside(read, like(read, "worse", settings={"lr": 0.05}, figures=worse))
    [remark] = [remark for remark in found.remarks if "anecdote" in remark]
    assert "seed-0 beside worse: lower by 1.0000, in one pair; one pair is an anecdote" in remark


@pytest.mark.parametrize(
    ("worse", "noise", "told"),
    [(1.0, 0.01, "lower in every seed, by 1.0000"), (0.01, 1.0, "within seed noise")],
)
def test_paired_seeds_are_judged_by_their_differences(
    read: ComparedRun, worse: float, noise: float, told: str
) -> None:
    """The seeds lie far apart, their differences close together: only pairs can tell."""
    runs = []
    for seed in (0, 1, 2):
        figures = {0.005: 5.0 + seed, 0.05: 5.0 + seed + worse + noise * (seed - 1)}
        runs += [
            like(read, f"{lr}-{seed}", settings={"seed": seed, "lr": lr}, figures={BITS: figure})
            for lr, figure in figures.items()
        ]
    found = beside(*runs)
    assert [group.label for group in found.groups] == ["lr=0.005 (3 seeds)", "lr=0.05 (3 seeds)"]
    [remark] = [remark for remark in found.remarks if "bits per note, validation" in remark]
    assert told in remark


def test_groups_without_a_seed_in_common_are_not_paired(read: ComparedRun) -> None:
    runs = [
        like(read, f"{lr}-{k}", settings={"seed": 10 * lr + k, "lr": lr / 10}, figures={BITS: 5.0 + k + lr})
        for lr in (1, 2)
        for k in (0, 1)
    ]
    found = beside(*runs)
    assert "seed" in found.factors
    [pair] = found.findings.beside
    assert pair.figures == {}
    assert "they share no seed, so nothing can be paired" in pair.words[0]
    assert "intervals of their bits per note, validation overlap" in pair.words[0]


def test_metrics_of_the_samples_are_paired_too(library: Library) -> None:
    """As a run leaves them in MLflow; where a run has none there is no pair, and nothing else is lost."""
    values = {"tuneful-0": 0.5, "tuneful-1": 0.6, "coarse-0": 0.2, "coarse-1": 0.4}
    for name, value in values.items():
        settings = {"seed": int(name[-1]), "lr": 0.01 if "coarse" in name else 0.005}
        run = library.twin(name, settings=settings, status="RUNNING")
        run.log_metrics(
            {"music/groove/T1": value, "music/groove.auc/T1": value / 2, "music/nan/T1": math.nan}, 3
        )
        run.close("FINISHED")
    found = compared(library, *values)
    pair = found.findings.beside[0]
    assert pair.figures["music/groove/T1"].mean == pytest.approx(0.25)
    assert pair.figures["music/groove/T1"].lower == 0
    assert found.groups[0].figures["music/groove/T1"].mean == pytest.approx(0.55)
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(comparison_csv(found)))}
    assert {name: float(row["music/groove/T1"]) for name, row in rows.items()} == values
    assert json.loads(comparison_json(found))["runs"][0]["music"] == {
        "music/groove/T1": 0.5,
        "music/groove.auc/T1": 0.25,
    }
    assert "all 1 metric of the samples are within seed noise" in shown(found)
    lost = compared(library, "seed-0", "coarse-0")
    assert "music/groove/T1" not in lost.findings.beside[0].figures
    assert BITS in lost.findings.beside[0].figures


def test_seeds_behind_a_run_that_chose_by_itself_are_its_own(read: ComparedRun) -> None:
    """`seeds=3` writes precision=fp32 where a single run wrote auto: the same, if auto came out as fp32."""
    one = like(read, "one", settings={"precision": "auto"}, resolved={"precision": "fp32"})
    other = like(read, "other", settings={"precision": "fp32", "seed": 1}, resolved={"precision": "fp32"})
    assert len(beside(one, other).groups) == 1
    other = like(read, "other", settings={"precision": "bf16", "seed": 1}, resolved={"precision": "bf16"})
    assert set(beside(one, other).factors) == {"precision", "seed"}


# ---------------------------------------------------------------------------------------------------
# Gaps


@pytest.mark.parametrize(
    "without",
    [("config.yaml",), ("summary.json",), ("sample_2.mid",), ("config.yaml", "summary.json", "sample_1.mid", "sample_2.mid", "sample_3.mid", "sample_4.mid")],
    ids=len,
)  # fmt: skip
def test_lost_files_leave_a_gap_and_a_word(
    library: Library, victim: MlflowRun, read: ComparedRun, without: tuple[str, ...]
) -> None:
    for name in without:
        Path(victim.place, name).unlink()
    lost, whole = one(library, victim), read
    found = beside(lost, whole)
    told = " ".join(lost.missing)
    assert all(name in told for name in without)
    assert whole.missing == ()
    assert lost.figures["bits_per_note/val"] == whole.figures["bits_per_note/val"]
    assert lost.baselines == whole.baselines
    assert len(lost.samples) == 4
    assert [s.file for s in lost.samples if s.piece is None] == [f for f in without if f.endswith(".mid")]
    assert lost.settings["lr"] == whole.settings["lr"]  # from MLflow's params, where config.yaml is gone
    assert not [d for d in found.differing if d.matters]
    assert "gap      victim: " in shown(found)
    json.loads(comparison_json(found))


def test_a_folder_that_is_gone_leaves_what_the_database_knows(library: Library, victim: MlflowRun) -> None:
    shutil.rmtree(victim.place)
    found = one(library, victim)
    assert found.figures["bits_per_note/test"] == victim.metrics["bits_per_note/test"]
    assert len(found.curves["train"]) == 3
    assert found.figures["iterations"] == 3
    assert [s.piece for s in found.samples] == [None] * 4


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("config.yaml", b"\xff\x00: ["),
        ("config.yaml", b"lr: 7\n"),
        ("summary.json", b"{"),
        ("summary.json", b"[1]"),
        ("summary.json", b'{"samples": 3, "nll_nats": {"val": "x"}, "parameters": NaN}'),
        ("sample_1.mid", b"MThd nonsense"),
        ("sample_1.mid", b""),
    ],
)
def test_damaged_files_are_gaps_too(library: Library, victim: MlflowRun, file: str, data: bytes) -> None:
    Path(victim.place, file).write_bytes(data)
    found = one(library, victim)
    assert found.figures["nll_nats/val"] > 0
    assert all(math.isfinite(value) for value in found.figures.values())
    if data[:1] != b"{" or data == b"{":
        assert any(file in sentence for sentence in found.missing)


@pytest.mark.parametrize(
    ("status", "tags", "told"),
    [
        ("RUNNING", {}, "still running, behind iteration 3"),
        ("FAILED", {"failed": "RunError: diverged"}, "failed behind iteration 3: RunError: diverged"),
        ("KILLED", {}, "go on with: python -m musicexp run resume="),
        ("FINISHED", {"pruned": "median: too slow"}, "pruned behind iteration 3: median"),
    ],
)
def test_a_run_that_is_not_whole_says_why(
    library: Library, status: str, tags: dict[str, str], told: str
) -> None:
    run = library.twin("unfinished", status=status, tags=tags, without=("summary.json", "roll.png"))
    found = one(library, run)
    assert told in found.missing[0]
    assert len(found.curves["train"]) == 3


# ---------------------------------------------------------------------------------------------------
# Which runs


def test_runs_that_are_not_ours_are_refused(library: Library) -> None:
    foreign = library.store.create_run("foreign", {})
    foreign.close("FINISHED")
    with pytest.raises(RunError, match=r"foreign.*was not trained by musicexp"):
        compare_runs(library.store, ["seed-0", foreign.id])
    summary = library.store.create_run("a study", {"musicexp": "study", "study": "report"})
    summary.close("FINISHED")
    with pytest.raises(RunError, match=r"summary of a study.*study=report"):
        compare_runs(library.store, [summary.id])


def test_a_name_of_several_runs_is_refused_and_the_same_run_twice_stands_once(library: Library) -> None:
    first, second = library.twin("double"), library.twin("double")
    with pytest.raises(RunError, match="2 runs are called 'double'") as refused:
        compared(library, "double")
    assert first.id in str(refused.value)
    assert second.id in str(refused.value)
    found = compared(library, "seed-0", library.find("seed-0").id, "seed-1")
    assert [run.name for run in found.runs] == ["seed-0", "seed-1"]
    assert any("once more" in remark for remark in found.remarks)


def trained(store: Store, name: str, lr: float, figure: float, seed: int = 0, **tags: str) -> None:
    """What a finished run leaves in MLflow's database, as far as it is chosen by that."""
    run = store.create_run(name, {"musicexp": "run", **tags})
    run.log_params({"lr": lr, "seed": seed})
    run.log_metrics({"bits_per_note/val": figure, "iterations_per_second": figure}, 1)
    run.close("FINISHED")


def trials(library: Library, study: str, figures: Mapping[float, tuple[float, ...]], **tags: str) -> None:
    for number, (lr, by_seed) in enumerate(figures.items()):
        of = {"musicexp": "trial", "study": study, "trial": str(number), **tags}
        for seed, figure in enumerate(by_seed):
            trained(library.store, f"{study}-{number}-{seed}", lr, figure, seed, **of)


def test_the_best_of_a_study_are_configurations_with_all_their_seeds(library: Library) -> None:
    trials(library, "seeds", {0.1: (4.0, 4.2), 0.2: (1.0, 9.0), 0.3: (3.0, 3.2)})
    trials(library, "seeds", {0.4: (0.1,)}, pruned="median")
    found = compare_runs(library.store, study="seeds", top=2)
    assert [(run.settings["lr"], run.seed) for run in found.runs] == [(0.3, 0), (0.3, 1), (0.1, 0), (0.1, 1)]
    assert found.runs[0].study == "seeds"
    assert found.runs[0].trial == 2
    assert "the 2 configurations with the lowest bits_per_note/val of 3" in found.remarks[0]
    assert len(compare_runs(library.store, study="seeds").runs) == 6


def test_a_study_knows_what_it_wants_more_of(library: Library) -> None:
    trials(library, "fast", {0.1: (4.0,), 0.2: (9.0,), 0.3: (3.0,)})
    summary = library.store.create_run("fast", {"musicexp": "study", "study": "fast"})
    summary.log_params({"objective": "iterations_per_second seconds"})
    summary.close("FINISHED")
    assert [run.settings["lr"] for run in compare_runs(library.store, study="fast", top=1).runs] == [0.2]
    summary.set_tags({"objective": "iterations_per_second:minimize"})
    assert [run.settings["lr"] for run in compare_runs(library.store, study="fast", top=1).runs] == [0.3]


def test_a_study_without_anything_finished_says_so(library: Library) -> None:
    with pytest.raises(RunError, match="there is no study 'nothing'"):
        compare_runs(library.store, study="nothing")
    library.twin("open", tags={"musicexp": "trial", "study": "open"}, status="RUNNING")
    with pytest.raises(RunError, match="no trial of study open has finished"):
        compare_runs(library.store, study="open")


def test_the_best_of_an_experiment(library: Library) -> None:
    elsewhere = open_store(library.uri, "elsewhere")
    for number, figure in enumerate((5.0, 3.0, 4.0)):
        trained(elsewhere, f"there-{number}", 0.1 + number, figure)
    other = elsewhere.create_run("not ours", {})
    other.close("FINISHED")
    found = compare_runs(elsewhere, experiment=True, top=2)
    assert [run.name for run in found.runs] == ["there-1", "there-2"]
    assert found.runs[0].experiment == "elsewhere"
    assert musicexp.compare("experiment=elsewhere", "top=1").runs[0].name == "there-1"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "compare wants runs"),
        (("seed-0", "study=seeds"), "one of these alone"),
        (("study=a", "experiment=b"), "one of these alone"),
        (("seed-0", "top=3"), "top goes with study=NAME"),
        (("study=a", "top=0"), "top must be a whole number, at least 1"),
        (("study=a", "top=true"), "top must be a whole number"),
        (("study=[a]",), "study must be a name"),
        (("seed-0", "tpo=3"), "unknown setting tpo: did you mean top?"),
        (("nothing-like-it",), "no run 'nothing-like-it'"),
        (("experiment=nowhere",), "no experiment 'nowhere'"),
    ],
)
def test_wrong_words_are_refused_in_one_sentence(
    library: Library, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert told in said.err
    assert said.err.count("\n") == 1


# ---------------------------------------------------------------------------------------------------
# For programs


def test_csv_json_and_frame_tell_the_same(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = library.twin(
        HOSTILE + "\n\x1b[31m", settings={"dataset.path": 'a,"b'}, without=("summary.json",)
    )
    assert main(["compare", "seed-0", "events", hostile.id, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["compare", "seed-0", "events", hostile.id, "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    frame = comparison_frame(musicexp.compare("seed-0", "events", hostile.id))
    assert [row["name"] for row in rows] == [run["name"] for run in whole["runs"]] == list(frame["name"])
    for row, run in zip(rows, whole["runs"], strict=True):
        assert row["id"] == run["id"]
        for name, value in run["settings"].items():
            cell = row[f"setting/{name}"]
            assert cell == value if isinstance(value, str) else json.loads(cell) == value
            assert _same(frame.loc[run["id"], f"setting/{name}"], value)
        for name in FIGURES:
            assert (float(row[f"figure/{name}"]) if row[f"figure/{name}"] else None) == run["figures"].get(name)  # fmt: skip
            assert _same(frame.loc[run["id"], f"figure/{name}"], run["figures"].get(name))
    assert whole["nats_comparable"] is False
    curve = whole["runs"][0]["curves"]["train"]
    assert list(curve) == ["iteration", "tokens_seen", "seconds", "value"]
    assert curve["iteration"] == [1, 2, 3]
    assert len(whole["runs"][0]["samples"][0]["piece"]["notes"]) == whole["runs"][0]["samples"][0]["notes"]


def _same(one: Any, other: Any) -> bool:
    if other is None:
        return one is None or one != one
    return bool(one == other)


def test_what_is_no_number_becomes_null() -> None:
    assert as_dict({"a": math.nan, "b": (1, math.inf)}) == {"a": None, "b": [1, None]}
    assert as_dict({}) == {}


def test_hostile_names_are_text_in_one_line(library: Library) -> None:
    run = library.twin(HOSTILE + "\x1b[31m\u202e")
    table = shown(compare_runs(library.store, [run.id, "seed-0"]))
    assert "\x1b" not in table
    assert "\u202e" not in table
    assert "[red]" in table  # rich's markup is no markup here
    assert "音乐" in table


def test_many_runs_stand_below_each_other(read: ComparedRun) -> None:
    table = shown(beside(*(like(read, f"row-{k}", settings={"lr": 0.1 + k / 100}) for k in range(6))))
    assert re.search(r"\nrow-0 +[0-9a-f]+ +0\.1\n", table)
    assert "bits/note validation" in table[table.index("\nall ") :]  # the same in all of them, so told once


def test_no_password_of_a_store_is_shown(library: Library) -> None:
    address = "postgresql://me:secret@host/db"
    assert without_password(f"store {address} there") == "store postgresql://me:...@host/db there"
    assert without_password(library.uri) == library.uri
    run = library.twin("with-password", settings={"tracking.uri": address})
    assert "secret" not in comparison_json(compare_runs(library.store, [run.id]))
    assert "secret" not in comparison_csv(compare_runs(library.store, [run.id]))


# ---------------------------------------------------------------------------------------------------
# A run as a folder


class Links(HTMLParser):
    """Every address in a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.kinds: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.kinds.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def test_an_exported_run_is_a_folder_that_anybody_can_open(library: Library, tmp_path: Path) -> None:
    from urllib.parse import unquote

    import torch

    run = library.twin(
        HOSTILE, files={"sample_1.ogg": b"OggS", "player.html": b"<p>player", "a b#%&.txt": b"x"}
    )
    run.write("images/roll 1.png", b"PNG")
    folder = tmp_path / "音 乐#1" / "deep"
    written = musicexp.export(run.id, folder)
    assert written == folder
    assert {path.name for path in folder.parent.iterdir()} == {"deep"}  # nothing half-written beside it
    page = (folder / "index.html").read_text(encoding="utf-8")
    links = Links(page)
    assert "script" not in links.kinds
    assert {"audio", "iframe", "img", "table"} <= links.kinds
    assert "&lt;script&gt;alert(1)" in page
    for address in links.addresses:
        assert (folder / unquote(address)).exists(), address
    for name in run.all_files():
        same = (folder / name).read_bytes() == run.read(name)
        assert same, name
    assert (folder / "images" / "roll 1.png").read_bytes() == b"PNG"
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert all(
        f"  {name} " in readme for name in ("sample_1.mid", "weights.pt", "config.yaml", "LICENCE.txt")
    )
    weights = torch.load(folder / "weights.pt", weights_only=True)
    kept = musicexp.load_run(run.id).checkpoint().kept
    assert weights.keys() == kept.keys()
    assert all(torch.equal(weights[name], kept[name]) for name in kept)
    rows = list(csv.DictReader(io.StringIO((folder / "curves.csv").read_text(encoding="utf-8"))))
    assert [(int(row["iteration"]), float(row["train"])) for row in rows] == run.curve("loss/train")
    metrics = list(csv.DictReader(io.StringIO((folder / "metrics.csv").read_text(encoding="utf-8"))))
    assert {row["metric"] for row in metrics} == set(run.metrics)


def test_the_readme_of_an_exported_run_tells_how_to_train_it_again(library: Library, tmp_path: Path) -> None:
    folder = musicexp.export("seed-1", tmp_path / "out")
    [line] = [
        line for line in (folder / "README.txt").read_text().splitlines() if "python -m musicexp run " in line
    ]
    again, was = compose(shlex.split(line)[4:]).flat(), flat(library.find("seed-1"))
    apart = ("name", "experiment", "tracking.uri")
    assert {k: v for k, v in again.items() if k not in apart} == {k: v for k, v in was.items() if k not in apart}  # fmt: skip


def test_real_pieces_can_be_left_out_of_an_exported_run(library: Library, tmp_path: Path) -> None:
    midi = library.find("seed-0").read("sample_1.mid")
    held = {"banks": [], "pieces": [{"id": "r", "group": "reference", "title": "Tune"}, {"id": "s", "group": "samples", "title": "</script>"}]}  # fmt: skip
    told = json.dumps(held).replace("<", "\\u003c")
    player = f'<p>é</p><script type="application/json" id="music">{told}</script><p>behind</p>'.encode()
    run = library.twin(
        "lent", files={"reference_1.mid": midi, "reference_1.ogg": b"OggS", "player.html": player}
    )
    with_them = musicexp.export(run.id, tmp_path / "with")
    assert (with_them / "reference_1.mid").is_file()
    assert "ask before you pass them on" in (with_them / "LICENCE.txt").read_text()
    left = export_words([run.id, str(tmp_path / "without"), "references=false"])
    assert not any("reference" in name for name in left.files)
    page = (left.folder / "player.html").read_text(encoding="utf-8")
    assert page.startswith("<p>é</p>")
    assert page.endswith("<p>behind</p>")
    assert page.count("</script>") == 1
    [music] = re.findall(r'id="music">(.*?)</script>', page)
    assert json.loads(music) == {"banks": [], "pieces": [held["pieces"][1]]}
    assert "left out" in (left.folder / "LICENCE.txt").read_text()


def test_a_player_whose_pieces_cannot_be_told_apart_is_left_out() -> None:
    assert without_references(b"<p>no music") is None
    assert without_references(b'<script type="application/json" id="music">{</script>') is None


def test_a_run_that_lost_its_files_is_exported_without_them(victim: MlflowRun, tmp_path: Path) -> None:
    place = Path(victim.place)
    (place / "checkpoint.ckpt").write_bytes(b"x")
    assert "weights.pt is not written" in " ".join(
        export_words([victim.id, str(tmp_path / "broken")]).missing
    )
    for name in ("checkpoint.ckpt", "summary.json", "sample_1.mid", "loss.png"):
        (place / name).unlink()
    (place / "sample_2.mid").write_bytes(b"damaged")
    written = export_words([victim.id, str(tmp_path / "poor")])
    told = " ".join(written.missing)
    for name in ("checkpoint.ckpt", "summary.json", "sample_1.mid", "loss.png", "sample_2.mid"):
        assert name in told
        assert name in (written.folder / "index.html").read_text(encoding="utf-8")
    assert "weights.pt" not in written.files
    shutil.rmtree(place)
    assert "index.html" in export_words([victim.id, str(tmp_path / "nothing")]).files


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["seed-0"], "export wants a run"),
        ([], "export wants a run"),
        (["seed-0", "FULL"], "holds something already"),
        (["seed-0", "FULL/kept"], "is no folder"),
        (["seed-0", "FULL/kept/below"], "cannot be written: Not a directory"),
        (["seed-0", "/proc/nowhere"], "cannot be written"),
        (["seed-0", "new", "references=maybe"], "references must be true or false"),
        (["seed-0", "new", "reference=false"], "unknown setting reference: did you mean references?"),
        (["seed-0", "new", "--serve"], "unknown flag --serve"),
        (["nobody", "new"], "no run 'nobody'"),
    ],
)
def test_export_refuses_in_one_sentence_and_touches_nothing(
    library: Library, tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "kept").write_text("mine")
    given = [word.replace("FULL", str(full)) if word != "new" else str(tmp_path / "new") for word in words]
    assert main(["export", *given]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert said.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["full"]
    assert (full / "kept").read_text() == "mine"


def test_export_is_all_or_nothing(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that this finds: half a folder that looks like a whole one, when a file is gone in mid-writing."""
    run = library.find("seed-0")
    read = run.read

    def failing(name: str) -> bytes:
        if name == "vocabulary.json":
            raise StoreError("vocabulary.json cannot be read")
        return read(name)

    monkeypatch.setattr(run, "read", failing)
    (tmp_path / "there").mkdir()
    for target in (tmp_path / "there", tmp_path / "new"):
        with pytest.raises(StoreError, match="vocabulary"):
            export_run(run, "musicexp", target)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert not list((tmp_path / "there").iterdir())
    monkeypatch.undo()
    export_run(run, "musicexp", tmp_path / "there")  # an empty folder is filled
    assert (tmp_path / "there" / "index.html").is_file()


def test_export_says_what_it_wrote(
    library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "seed-0", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert f"open     {tmp_path / 'out' / 'index.html'}" in told


# ---------------------------------------------------------------------------------------------------
# The command line


@pytest.mark.parametrize("command", ["compare", "export"])
def test_help_names_every_setting(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    settings = candidates([command, "x", ""])
    assert all(word.rstrip("=") in told for word in settings if word.endswith("="))


def test_flags_that_do_not_go_together_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "a", "--csv", "--json"]) == 2
    assert "leave one out" in capsys.readouterr().err
    assert main(["compare", "a", "--serve", "--csv"]) == 2
    assert "leave one out" in capsys.readouterr().err
    assert main(["compare", "a", "--xml"]) == 2
    assert "unknown flag --xml" in capsys.readouterr().err


def test_the_page_lies_beside_the_store_and_is_named_by_what_is_compared(
    library: Library, read: ComparedRun, tmp_path: Path
) -> None:
    runs = replace(beside(read), title="a/b, ../音 <x>")
    file = page_file(sorted_out(["seed-0", f"tracking.uri={library.uri}"]), runs)
    assert file.parent == Path(library.uri.removeprefix("sqlite:///")).parent / "compare"
    assert re.fullmatch(r"a_b_.._音_x-[0-9a-f]{6}\.html", file.name)
    other = replace(runs, runs=(replace(read, id="other"),))
    assert page_file(sorted_out(["x", f"tracking.uri={library.uri}"]), other) != file
    study = page_file(sorted_out(["study=s", "tracking.uri=http://there"]), replace(runs, title="study s"))
    assert study == Path("mlruns/compare/study_s.html").absolute()
    assert page_file(sorted_out(["x", "out=my page.html"]), runs) == Path("my page.html")
    assert sorted_out(["x", "port=80", "--serve"]).port == 80


@pytest.mark.parametrize(
    ("word", "told"),
    [("out=.", "is a folder"), ("out=true", "out must be a file's name"), ("port=0", "port must be"), ("port=x", "port must be")],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused_before_anything_is_read(
    word: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "nobody", word]) == 2
    assert told in capsys.readouterr().err


def test_completion_knows_runs_settings_and_flags(library: Library) -> None:
    assert "seed-0" in candidates(["compare", "seed"])
    assert candidates(["compare", "seed-0", "seed-0"]) == []  # it stands there already
    assert candidates(["compare", "seed-0", "st"]) == []  # study= does not go beside runs
    assert candidates(["compare", "st"]) == ["study="]
    assert candidates(["compare", "study=a", "ex"]) == []
    assert candidates(["compare", "--"]) == ["--csv", "--json", "--serve", "--help"]
    assert "seed-1" in candidates(["export", "seed"])
    assert candidates(["export", "seed-0", "out", "references="]) == ["references=true", "references=false"]


# ---------------------------------------------------------------------------------------------------
# Quickly


@pytest.mark.slow
def test_twenty_runs_are_compared_within_three_seconds(library: Library) -> None:
    rng = np.random.default_rng(0)
    for k in range(20):
        run = library.twin(f"many-{k}", settings={"lr": 0.1 + k / 100}, status="RUNNING")
        for iteration in range(4, 801):
            run.log_metrics({"loss/train": float(rng.random())}, iteration)
            if iteration % 100 == 0:
                run.log_metrics({"loss/val": float(rng.random())}, iteration)
        run.close("FINISHED")
    names = [f"many-{k}" for k in range(20)]
    compared(library, *names[:1])
    begun = time.perf_counter()
    found = compared(library, *names)
    assert time.perf_counter() - begun < 3
    assert [len(run.curves["train"]) for run in found.runs] == [800] * 20
