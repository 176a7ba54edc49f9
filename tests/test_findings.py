"""What compare says beyond figures: pairs of seeds in words, missing runs as commands, loss beside music, and luck."""

from __future__ import annotations

import io
import json
import random
import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from compared import compared, falling, side_by_side
from test_study_page import study, trial

from musicexp.config import compose
from musicexp.metrics.pairs import pairs
from musicexp.render.sound import Sound, carried_soundfont
from musicexp.report import comparison_json, show_comparison, study_page
from musicexp.report.comparison import ComparedRun, Comparison
from musicexp.report.comparison_page import comparison_page
from musicexp.report.figure_names import heading
from musicexp.report.loss_and_music import distances, loss_and_music
from musicexp.report.run_command import run_command
from musicexp.report.settings_beside import pair_words

BITS = "bits_per_note/val"


@cache
def composed(*words: str) -> dict[str, Any]:
    return compose(words).flat()


def run(number: int, *words: str, seed: int = 0, bits: float = 6.0, **more: Any) -> ComparedRun:
    """A run of settings as they are today."""
    like = compared(2 * number, iterations=20)
    settings = composed(*words) | {"seed": seed} | more.pop("settings", {})
    told = {
        "samples": (),
        "curves": {"train": (), "val": ()},
        "figures": {BITS: bits, "seconds": 10.0},
    } | more
    return replace(like, id=f"{number:032x}", name=f"run-{number}", seed=seed, settings=settings, **told)


def shown(found: Comparison) -> str:
    out = io.StringIO()
    show_comparison(found, out)
    return out.getvalue()


# ---------------------------------------------------------------------------------------------------
# Pairs in words


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ([1.0], [2.0], "lower by 1.0000, in one pair"),
        ([2.0], [2.0], "the same"),
        ([1, 2, 3.0], [1, 2, 3.0], "the same in all 3 seeds"),
        ([1, 2, 3.0], [1.5, 2.5, 3.5], "lower in every seed, by 0.5000 on average (0.5000 to 0.5000), 3 of 3 pairs"),
        ([1, 2, 4.0], [2, 4, 5.0], "within seed noise: lower by 1.3333 on average (anything from 0.1009 higher to 2.7676 lower), lower in 3 of 3 pairs"),
        ([5.0] * 9 + [0.0], [1.0] * 10, "higher by 3.5000 on average (2.3689 to 4.6311), higher in 9 of 10 pairs; the chance that one more pair is higher: 0.90 (0.60 to 0.98)"),
    ],
)  # fmt: skip
def test_a_pair_in_words(ours: Sequence[float], theirs: Sequence[float], told: str) -> None:
    assert pair_words(pairs(ours, theirs)) == told


def four() -> list[ComparedRun]:
    """Two configurations with three and two seeds, of which two are in both."""
    runs = [run(k, settings={"lr": 0.01}, seed=k, bits=5.0 + k / 10) for k in range(3)]
    return runs + [run(3 + k, settings={"lr": 0.02}, seed=k, bits=6.0 + k / 10 + 0.01 * k) for k in (1, 2)]


def test_seeds_that_one_side_lacks_are_named_and_left_out() -> None:
    [pair] = side_by_side(four()).findings.beside
    assert (pair.seeds, pair.first_only, pair.second_only) == ((1, 2), (0,), ())
    assert pair.figures[BITS].differences == pytest.approx((-1.01, -1.02))
    assert pair.words == (
        "left out of the pairs, since the other side has no such seed: lr=0.01 (3 seeds) (seed 0)",
    )


def test_the_order_of_runs_and_a_constant_change_no_difference() -> None:
    runs = four()
    [told] = side_by_side(runs).findings.beside
    for seed in range(3):
        mixed = [
            replace(one, figures={name: value + 7 for name, value in one.figures.items()}) for one in runs
        ]
        random.Random(seed).shuffle(mixed)
        [other] = side_by_side(mixed).findings.beside
        sign = 1 if other.labels == told.labels else -1
        assert other.seeds == told.seeds
        assert [sign * d for d in other.figures[BITS].differences] == pytest.approx(
            told.figures[BITS].differences
        )


def test_one_seed_is_an_anecdote_and_the_command_that_adds_seeds_is_there() -> None:
    found = side_by_side([run(0, settings={"lr": 0.01}, bits=5), run(1, settings={"lr": 0.02}, bits=6)])
    table = shown(found)
    assert "one pair is an anecdote, since another seed may turn it round" in table
    assert "python -m musicexp run lr=0.01 seed=1 seeds=2\n" in table
    assert found.findings.missing.commands == ()


def test_many_configurations_are_compared_with_the_first_and_the_best_two_with_each_other() -> None:
    found = side_by_side([run(k, settings={"lr": 0.01 + k / 100}, bits=6 - k / 10) for k in range(6)])
    assert [(pair.first, pair.second) for pair in found.findings.beside] == [
        *((0, k) for k in range(1, 6)),
        (4, 5),
    ]


def test_what_must_not_be_compared_is_in_no_pair() -> None:
    runs = four()
    other = [replace(one, fingerprints={"data": "other", "vocabulary": "v"}) for one in runs[3:]]
    found = side_by_side([*runs[:3], *other])
    assert BITS not in found.findings.beside[0].figures
    assert "seconds" in found.findings.beside[0].figures
    assert found.findings.missing.commands == ()


# ---------------------------------------------------------------------------------------------------
# Missing runs


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("experiment=original", "lr=0.001"),
        ("dataset=essen", "tokens=events", "model=lstm1", "lr=0.1"),
        ("dataset=midi", "dataset.path='/a b/it'"),
        ("samples.temperature=[1.0]", "dataset.transpose=[-1,1]", "samples.prime=null"),
    ],
)
def test_a_command_gives_its_settings_again(words: tuple[str, ...]) -> None:
    settings = composed(*words)
    told = shlex.split(run_command(settings | {"name": "x", "tracking.uri": None}, 0, 1))
    assert told[:4] == ["python", "-m", "musicexp", "run"]
    again = compose(told[4:]).flat()
    assert {**again, "experiment": ""} == {**settings, "experiment": ""}


def test_the_source_reports_change_of_three_things_lacks_six_runs() -> None:
    found = side_by_side([run(0, "experiment=original"), run(1, "experiment=tuned")])
    missing = found.findings.missing
    assert "lr, batch_size and iterations differ at once: nothing here says which one did it" in found.remarks
    assert (missing.cells, missing.absent) == (8, 6)
    assert missing.commands == (
        "python -m musicexp run experiment=original iterations=6600 seeds=3",
        "python -m musicexp run experiment=original batch_size=12 seeds=3",
        "python -m musicexp run experiment=original lr=0.001 seeds=3",
        "python -m musicexp run experiment=tuned lr=0.005 seeds=3",
        "python -m musicexp run experiment=tuned batch_size=8 seeds=3",
        "python -m musicexp run experiment=tuned iterations=6000 seeds=3",
    )
    assert missing.more_seeds == (
        "python -m musicexp run experiment=original seed=1 seeds=2",
        "python -m musicexp run experiment=tuned seed=1 seeds=2",
    )


def test_eight_commands_are_shown_and_the_others_counted() -> None:
    changed = {"lr": 0.1, "batch_size": 4, "iterations": 9, "seq_length": 50}
    table = shown(side_by_side([run(0), run(1, settings=changed)]))
    assert table.count("python -m musicexp run ") == 8 + 2
    assert "and 6 more commands; --json tells all" in table


def test_a_whole_factorial_lacks_nothing_and_seeds_with_gaps_are_filled() -> None:
    cells = [(lr, batch) for lr in (0.1, 0.2) for batch in (4, 8)]
    runs = [
        run(4 * k + seed, settings={"lr": lr, "batch_size": batch}, seed=seed)
        for k, (lr, batch) in enumerate(cells)
        for seed in ((0, 1, 3) if k else (0, 1))
    ]
    missing = side_by_side(runs).findings.missing
    assert (missing.cells, missing.absent, missing.commands) == (4, 0, ())
    assert "every cell of the factorial is there" in missing.words[0]
    assert missing.more_seeds == ("python -m musicexp run lr=0.1 batch_size=4 seed=3",)


def test_cells_that_cannot_be_are_not_named() -> None:
    """Patience without validations is refused, so that three cells can be, of which two are there."""
    one = run(0, settings={"early_stopping.patience": 3, "validation.every": 100})
    other = run(1, settings={"early_stopping.patience": 0, "validation.every": 0})
    missing = side_by_side([one, other]).findings.missing
    assert (missing.cells, missing.absent) == (3, 1)
    assert missing.commands == ("python -m musicexp run seeds=3",)


def test_a_configuration_that_was_trained_twice_with_a_seed_wants_no_seed_twice() -> None:
    runs = [run(0, settings={"lr": 0.01}), run(1, settings={"lr": 0.01}), run(2, settings={"lr": 0.02})]
    assert side_by_side(runs).findings.missing.more_seeds == (
        "python -m musicexp run lr=0.01 seed=1 seeds=2",
        "python -m musicexp run lr=0.02 seed=1 seeds=2",
    )


def test_trials_of_a_study_fill_no_factorial() -> None:
    runs = [run(k, settings={"lr": 0.1 + k, "batch_size": 4 + k}, study="report", trial=k) for k in range(3)]
    missing = side_by_side(runs).findings.missing
    assert missing.commands == missing.more_seeds == ()
    assert "its page tells how much each setting matters" in missing.words[0]


# ---------------------------------------------------------------------------------------------------
# Loss and music


def musical(losses: Sequence[float], far: Sequence[float]) -> list[dict[str, float]]:
    return [
        {BITS: loss, "music/groove.auc/T1": 0.5 - distance, "music/groove/T1": 3.0}
        for loss, distance in zip(losses, far, strict=True)
    ]


def test_distance_is_how_far_an_auc_lies_from_a_half_on_either_side() -> None:
    figures = {
        "music/groove.auc/T1": 0.2, "music/leaps.auc/T1.5": 0.9, "music/groove.auc": 0.5, "music/groove.auc/low": 0.1,
        "music/groove/T1": 0.7, "music/groove.oa/T1": 0.7, BITS: 3.0,
    }  # fmt: skip
    assert distances(figures) == pytest.approx(
        {"music/groove/T1": 0.3, "music/leaps/T1.5": 0.4, "music/groove": 0.0}
    )


def test_lower_loss_with_nearer_music_is_said_so() -> None:
    found = loss_and_music(
        musical(range(10), [0.01, 0.0, 0.02, 0.04, 0.03, 0.05, 0.07, 0.06, 0.08, 0.09]), range(10)
    )
    [one] = found.relations
    assert one.correlation == pytest.approx(1 - 6 * 6 / 990)
    assert (one.sign, one.count) == (1, 10)
    assert "In every metric here: over 10 runs" in found.words[0]
    assert "groove similarity at T = 1 (rank correlation 0.96" in found.words[1]
    turned = loss_and_music(
        musical([-k for k in range(10)], [one / 100 for one in (1, 0, 2, 4, 3, 5, 7, 6, 8, 9)]), range(10)
    )
    assert turned.relations[0].sign == -1
    assert "No, on the contrary" in turned.words[0]


def test_no_link_is_no_answer_and_few_runs_are_none() -> None:
    losses, far = range(8), [0.1, 0.3, 0.2, 0.0, 0.05, 0.25, 0.15, 0.12]
    assert (
        "That cannot be told from chance: over 8 runs"
        in loss_and_music(musical(losses, far), losses).words[0]
    )
    few = loss_and_music(musical(losses[:7], far[:7]), losses[:7])
    assert few.relations == ()
    assert "Not told below 8 runs with metrics of their samples (7 here)" in few.words[0]
    assert loss_and_music([{BITS: 1.0}] * 9, range(9)).words == ()


def test_seeds_of_few_configurations_are_no_independent_witnesses() -> None:
    figures = musical(range(9), [k / 100 + (k % 2) / 50 for k in range(9)])
    assert "seeds of 3 configurations, not independent" in loss_and_music(figures, [k // 3 for k in range(9)]).words[-1]  # fmt: skip
    many = musical(range(16), [k / 100 + (k % 3) / 20 for k in range(16)])
    by_mean = loss_and_music(many, [k // 2 for k in range(16)])
    assert (by_mean.count, by_mean.configurations) == (8, 8)
    assert "over 8 configurations" in by_mean.words[0]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("music/repeated_4grams/T1.5", "repeated 4-grams at T = 1.5"),
        ("music/groove.auc/T1", "groove similarity at T = 1, AUC against real pieces"),
        ("music/groove", "groove similarity"),
        ("music/groove/my folder", "groove similarity of my folder"),
        ("seconds", "seconds of training"),
        ("odd/one", "odd/one"),
    ],
)
def test_figures_have_names_for_people(name: str, told: str) -> None:
    assert heading(name) == told


# ---------------------------------------------------------------------------------------------------
# The whole, as people and programs read it


def several() -> Comparison:
    """Two configurations with five seeds, curves, music and a name that would be markup."""
    noise = random.Random(0)
    runs = []
    for k in range(10):
        bits = 5.0 + 0.2 * (k >= 5) + noise.gauss(0, 0.02)
        music = {
            "music/groove/T1": noise.random(),
            "music/groove.auc/T1": 0.5 - bits / 20 + noise.gauss(0, 0.01),
        }
        curves = {"train": falling(80, 1.0, k), "val": falling(80, 1.0, k, every=2)}
        hostile = {
            "lr": 0.01 + 0.01 * (k >= 5),
            **(
                {"dataset.name": "midi", "dataset.collection": None, "dataset.path": "<b>it</b>"}
                if k >= 5
                else {}
            ),
        }
        runs.append(run(k, seed=k % 5, bits=bits, music=music, curves=curves, settings=hostile))
    return side_by_side(runs)


@pytest.mark.slow
def test_everything_stands_in_the_page_and_none_of_it_is_markup() -> None:
    page = comparison_page(several(), Sound(carried_soundfont()), 0).decode()
    for told in (
        "What the seeds tell", "Seed by seed", "lower in every seed, by 0.1982 on average", "How smooth the curves are",
        "Does lower loss mean better music here?", "What would tell more", "of 4 cells 2 are missing", "&lt;b&gt;it&lt;/b&gt;",
    ):  # fmt: skip
        assert told in page, told
    assert "<b>it</b>" not in page
    assert "\N{RIGHTWARDS ARROW}" not in page


def test_everything_is_plain_values() -> None:
    found = several()
    told = json.loads(comparison_json(found))["findings"]
    assert told["beside"][0]["figures"][BITS]["within_noise"] is False
    assert told["beside"][0]["figures"][BITS]["pairs"] == 5
    assert set(told["figures"][0]) >= {
        "roughness/train",
        "spikes/train",
        "roughness/val",
        "spikes/val",
        "music/groove/T1",
    }
    assert told["loss_and_music"]["relations"][0]["metric"] == "music/groove/T1"
    assert told["missing"]["cells"] == 4
    assert found.groups[0].figures["roughness/train"].count == 5


def test_too_few_points_of_validation_are_said_with_the_setting_that_gives_more() -> None:
    curves = {"train": falling(800, 1.0, 0), "val": falling(800, 1.0, 0, every=100)}
    found = side_by_side([run(0, curves=curves, figures={BITS: 1.0})])
    assert "8 points are too few; `validation.every=20` gives 40" in found.findings.curves[-1]


def test_training_curves_of_other_batches_are_warned_of() -> None:
    curves = {"train": falling(100, 1.0, 0), "val": ()}
    runs = [run(k, settings={"batch_size": size}, curves=curves) for k, size in enumerate((8, 12))]
    [words] = [words for words in side_by_side(runs).findings.curves if "1/√batch_size" in words]
    assert "with batch_size=12 to 0.82 of what it is with 8" in words


def test_ten_seeds_tell_what_the_best_of_five_owes_to_luck() -> None:
    [luck] = side_by_side([run(k, seed=k, bits=5 + k / 10) for k in range(10)]).findings.luck
    assert luck.lowest[0].expected == pytest.approx(5.45)
    assert [one.n for one in luck.lowest] == [1, 2, 5, 10]
    assert "one seed ends at 5.4500 bits per note, validation, the lowest of five seeds at" in luck.words
    assert side_by_side([run(k, seed=k) for k in range(9)]).findings.luck == ()


def test_a_studys_page_tells_luck_and_music() -> None:
    trials = [
        trial(k, 3 + (k % 7) / 10, figures={BITS: 3 + (k % 7) / 10, "music/groove.auc": 0.3 - (k % 7) / 100, "music/groove": 9.0})
        for k in range(12)
    ]  # fmt: skip
    page = study_page(study(*trials))
    assert "What luck finds" in page
    assert "From 12 finished trials" in page
    assert "In every metric here: over 12 trials" in page
    bare = study_page(study(*(trial(k, 3.0 + k) for k in range(5))))
    assert "Not told below 10 finished trials (5 here)." in bare
    assert "Does lower loss mean" not in bare


def test_of_a_study_that_maximises_the_best_are_the_highest() -> None:
    from musicexp.report.study import Objective

    page = study_page(
        study(
            *(trial(k, float(k)) for k in range(20)),
            objectives=(Objective("iterations_per_second", "maximize"),),
        )
    )
    assert "Half of all searches end above" in page
    assert "5.0000 to 14.000" in page
