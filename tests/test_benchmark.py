"""The benchmark: what it refuses, how it counts, what it prints, and which folds it knows to be finished."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from musicexp.benchmark import figure, folds, tuned
from musicexp.benchmark.figure import MIXED, OURS, PPMS, VIEWPOINTS, FoldFigure, PieceFigure, read_figure
from musicexp.benchmark.lines import COLUMNS, standing_lines
from musicexp.benchmark.plan import Fold, Pretraining, read_plan, table_of, tuned_name
from musicexp.benchmark.published import PUBLISHED
from musicexp.benchmark.settings import DEFAULTS, SETTINGS, asked, beside
from musicexp.benchmark.standing import Standing, cell_of
from musicexp.benchmark.tuned import Tuned, read_tuned, write_tuned
from musicexp.benchmark.tuning import study_of
from musicexp.cli import main
from musicexp.errors import SettingError, StoreError
from musicexp.generation.transfer import SHAPES

# ---------------------------------------------------------------------------------------------------
# Settings


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("sets=chorale", "sets=chorale: 'chorale' is not known; sets takes some of chorales, kinder"),
        ("sets=", "'' is not known; sets takes"),
        ("folding=both", "folding takes some of random, grouped"),
        ("folds=10", "'10' is not known; folds takes some of 0, 1, 2"),
        ("folds=1,1", "1 stands twice"),
        ("seeds=0", "seeds must be a whole number, at least 1 and at most 100, not '0'"),
        ("workers=two", "workers must be a whole number, at least 1 and at most 1,024, or auto, not 'two'"),
        ("quick=yes", "quick must be true or false, not 'yes'"),
        ("trials=3", "trials=3 goes with tune=true"),
        ("dataset=ryans", "dataset is set by the benchmark; choose with sets=chorales or sets=kinder"),
        ("tokens=notes", "choose with reads=pitches or reads=rhythm"),
        ("dataset.limit=3", "of such settings only dataset.transpose, split.val, split.seed may be given"),
        ("split.test=0.2", "split.test is set by the benchmark"),
        ("resume=last", "the same command goes on with what was interrupted"),
        ("initial=last", "pretrained=true learns from other melodies first"),
        ("lr=1e-3,1e-2", "every fold is trained with one value"),
        ("foldings=random", "unknown setting foldings: did you mean folding?"),
    ],
)
def test_what_it_refuses(word: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=re.escape(sentence)):
        asked([word])


def test_what_does_not_go_together() -> None:
    for words in (["quick=true", "full=true"], ["quick=true", "tune=true"], ["tune=true", "tuned=false"]):
        with pytest.raises(SettingError, match="do not go together"):
            asked(words)
    for word in ("full=true", "tune=true", "tuned=true"):
        with pytest.raises(
            SettingError, match=f"{word} and pretrained=true do not go together: .*; leave one out"
        ):
            asked(["pretrained=true", word])
    with pytest.raises(SettingError, match="seeds stands twice, as seeds=2 and as seeds=3"):
        asked(["seeds=2", "seeds=3"])


def test_lists_are_in_the_order_of_the_table() -> None:
    found = asked(["sets=kinder,chorales", "folds=7,0", "lr=1e-3"])
    assert (found.sets, found.folds, found.words) == (("chorales", "kinder"), (0, 7), ("lr=1e-3",))
    assert asked([]).folds == tuple(range(10))


def test_every_setting_has_a_default_and_none_is_one_of_run() -> None:
    assert set(DEFAULTS) == set(SETTINGS)
    assert not set(SETTINGS) & set(beside())
    assert {"lr", "model", "dataset.transpose"} <= set(beside())
    assert not {"dataset", "dataset.limit", "experiment", "resume"} & set(beside())


@pytest.mark.parametrize("words", [[], ["parce"], ["pearce", "kinder"], ["lr=1e-3"]])
def test_it_wants_the_name_of_a_benchmark(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", *words]) == 2
    assert "benchmark wants the name of one benchmark" in capsys.readouterr().err


def test_help_tells_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "--help"]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {name}={DEFAULTS[name]}\n" in told for name in SETTINGS)


# ---------------------------------------------------------------------------------------------------
# The plan


def test_folds_differ_in_what_they_say_and_in_nothing_else() -> None:
    wanted = read_plan(["sets=kinder", "folds=0,3", "seeds=2", "seed=5", "tuned=false"])
    assert len(wanted.every) == 8
    one, other = Fold("kinder", "random", 0), Fold("kinder", "grouped", 3, 1)
    a, b = wanted.config(one), wanted.config(other)
    assert (a.seed, b.seed) == (5, 6)
    assert (a.split.table, a.split.fold, a.split.grouped) == ("pearce_kinder_random", 0, False)
    assert (b.split.table, b.split.fold, b.split.grouped) == ("pearce_kinder_grouped", 3, True)
    assert (a.name, b.name) == ("pearce-kinder-random-0", "pearce-kinder-grouped-3-seed6")
    assert (a.threads, a.samples.count, a.samples.scored, a.tokens.kind) == (1, 0, 0, "pitches")
    alike = {"name": None, "seed": 0, "split": None}
    assert dataclasses.replace(a, **alike) == dataclasses.replace(b, **alike)  # type: ignore[arg-type]
    assert len({wanted.signature(fold) for fold in wanted.every}) == 8


def test_a_fold_is_known_by_what_changes_it() -> None:
    fold = Fold("kinder", "random", 0)
    words = ["sets=kinder", "folding=random", "folds=0"]
    before = read_plan(words).signature(fold)
    assert read_plan([*words, "workers=7", "tracking.experiment=other"]).signature(fold) == before
    assert read_plan([*words, "lr=1e-4"]).signature(fold) != before
    assert read_plan([*words, "quick=true"]).signature(fold) != before


TRANSFORMER = (
    "model=transformer",
    "model.hidden_size=128",
    "model.embedding_dim=128",
    "model.recurrent_dropout=0",
)


def test_songs_without_phrases_teach_no_model_that_sees_them() -> None:
    """It was found out behind the training on eight thousand songs, when the first fold could not begin with it."""
    with pytest.raises(
        SettingError, match=r"do not go together for the chorales, .*; write sets=kinder, or leave one out"
    ):
        asked(["pretrained=true", "reads=rhythm"])
    assert asked(["pretrained=true", "reads=rhythm", "sets=kinder"]).pretrained


@pytest.mark.parametrize("more", [(), ("reads=rhythm",), ("quick=true", "model.hidden_size=32"), TRANSFORMER])
def test_what_is_learned_first_has_the_model_of_its_folds_and_none_of_their_melodies(
    more: Sequence[str],
) -> None:
    wanted = read_plan(["pretrained=true", "sets=kinder", "folding=random", "folds=0,3", *more])
    fold = wanted.config(Fold("kinder", "random", 3))
    first = wanted.pretraining_config("kinder")
    assert first.dataset.collection == "essenFolksong"
    assert first.dataset.apart_from == (fold.dataset.collection,) == ("kinder",)
    assert first.tokens == fold.tokens
    assert first.seq_length == fold.seq_length
    for name in (*SHAPES, "model.heads"):
        assert first.flat()[name] == fold.flat()[name]
    assert first.split.table is None
    assert first.split.val + first.split.test < 0.02


def test_folds_are_found_again_by_the_run_that_they_begin_with() -> None:
    """Before it is there they would be found by the signature of a fold that began with nothing."""
    words = ["sets=kinder", "folding=random", "folds=0"]
    fold = Fold("kinder", "random", 0)
    wanted = read_plan([*words, "pretrained=true"])
    config = wanted.config(fold)
    fresh = read_plan([*words, "tuned=false", f"lr={config.lr}", f"iterations={config.iterations}"])
    trained = [
        dataclasses.replace(wanted, pretraining={"kinder": Pretraining(run, 8000, 1.0)})
        for run in ("a" * 32, "b" * 32)
    ]
    assert [plan.config(fold).initial for plan in trained] == ["a" * 32, "b" * 32]
    signatures = [plan.signature(fold) for plan in (fresh, wanted, *trained)]
    assert len(set(signatures)) == 4
    assert config.name == "pearce-kinder-random-pretrained-0"


def test_tuned_settings_are_kept_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuned, "conf_dir", lambda: tmp_path)
    table = "pearce_kinder_random"
    assert read_tuned(table) == {}
    found = {3: Tuned(("lr=0.002", "model.dropout=0.4"), 61.2, 12, "a-study")}
    path = write_tuned(table, found, "python -m musicexp benchmark pearce tune=true")
    assert path.read_text().startswith("# Found by: python -m musicexp benchmark pearce tune=true\n")
    assert read_tuned(table) == found
    words = ["sets=kinder", "folding=random", "folds=2,3", "model.dropout=0.1"]
    wanted = read_plan(words)
    two, three = (wanted.config(Fold("kinder", "random", number)) for number in (2, 3))
    assert (three.lr, three.model.dropout) == (0.002, 0.1), "what the command line says counts most"
    assert two.lr != 0.002
    for more in ("tuned=false", "quick=true"):
        assert read_plan([*words, more]).config(Fold("kinder", "random", 3)).lr != 0.002
    for other in ("reads=rhythm", "model=lstm2", "optimizer=adam"):
        assert read_plan([*words, other]).config(Fold("kinder", "random", 3)).lr != 0.002, other
    write_tuned(f"{table}_rhythm", {3: Tuned(("lr=0.0071",), 5.0, 1, "b")}, "...")
    assert read_plan([*words, "reads=rhythm"]).config(Fold("kinder", "random", 3)).lr == 0.0071
    with pytest.raises(SettingError, match=r"model=lstm2 and tune=true do not go together: .* leave one out"):
        read_plan(["tune=true", "model=lstm2"])
    path.write_text("folds: [1]")
    with pytest.raises(SettingError, match=r"cannot be read \(\w+\); mend the file, delete it"):
        read_plan(words)


def test_what_was_searched_for_is_what_is_trained() -> None:
    """The tuned settings that come with this version: all folds, and `tune=true` does not search for them again."""
    wanted = read_plan(["tune=true"])
    for cell in wanted.cells:
        found = read_tuned(tuned_name(table_of(*cell), "pitches"))
        assert sorted(found) == list(range(10)), cell
        for number, one in found.items():
            assert one.study == study_of(wanted, Fold(*cell, number))
            assert one.trials >= wanted.asked.trials


# ---------------------------------------------------------------------------------------------------
# Figures, by hand


def figure_of(run: str, ours: float, ppm: float, plus: float, seconds: float = 60.0) -> FoldFigure:
    """Two pieces of 10 and 30 pitches; ours, ppm and plus are bits a pitch over both."""
    bits = dict(zip((OURS, *PPMS), (ours, ppm, plus), strict=True))
    bits |= dict.fromkeys(VIEWPOINTS, ours + 0.05) | dict.fromkeys(MIXED.values(), ours - 0.1)
    return FoldFigure(
        run,
        (
            PieceFigure("one", "00000000000000aa", 10, {model: 10 * b + 4 for model, b in bits.items()}),
            PieceFigure("two", "00000000000000bb", 30, {model: 30 * b - 4 for model, b in bits.items()}),
        ),
        seconds,
        12_345,
        1,
    )


def standing(folding: str, folds_there: int = 3) -> Standing:
    ours, ppm = (2.0, 2.2, 2.1), (2.1, 2.2, 2.4)
    figures = [(k, [figure_of(f"run{k}", ours[k], ppm[k], 2.05)]) for k in range(folds_there)]
    return Standing("ordinary", (cell_of("kinder", folding, figures, None),), 125.0, 2, "a processor")


def test_bits_of_all_pieces_by_pitches_of_all_pieces() -> None:
    assert figure_of("r", 2.5, 2.6, 2.7).bits_per_pitch(OURS) == pytest.approx(2.5)


def test_mean_sd_and_paired_difference() -> None:
    (cell,) = standing("random").cells
    assert cell.mean(OURS) == pytest.approx(2.1)
    assert cell.sd(OURS) == pytest.approx(0.1)
    found = cell.beside("PPM, LTM and STM")
    # Differences -.1, 0, -.3: mean -.1333, sd .15275, t(.975, 2) = 4.30265, half = t sd / sqrt 3 = .37946.
    assert found.difference == pytest.approx((-0.13333333, -0.5127892, 0.2461225), abs=1e-5)
    assert found.lower_in == 2, "a tie is not won"
    alone = standing("random", folds_there=1).cells[0]
    assert math.isnan(alone.sd(OURS))
    assert math.isnan(alone.beside("PPM, LTM and STM").difference.low)


def test_a_fold_with_several_seeds_counts_once() -> None:
    seeds = [figure_of("a", 2.0, 2.5, 2.5), figure_of("b", 2.4, 2.5, 2.5, seconds=100.0)]
    cell = cell_of("kinder", "random", [(0, seeds), (1, [seeds[0], seeds[0]])], 30.0)
    assert cell.bits[OURS] == pytest.approx((2.2, 2.0))
    assert (cell.seeds, cell.pieces, cell.pitches, cell.seconds) == (2, 4, 80, (60.0, 100.0, 60.0, 60.0))


TABLE = """\
kinder, random folds: German children's songs (Essen); any melody in any fold, as published
  6 melodies, 120 pitches in 3 folds of ten (0, 1, 2)
  published  bigram                         2.732
             LTM, C2I                       2.613
             LTM, C*I                       2.428
             LTM+                           2.237
             LTM+ and STM                   2.106
  here       PPM, LTM and STM               2.233   sd over folds 0.153
             PPM, LTM+ and STM              2.050   sd over folds 0.000
             viewpoints                     2.150   sd over folds 0.100
             viewpoints, LTM+               2.150   sd over folds 0.100
             LSTM                           2.100   sd over folds 0.100
             LSTM with viewpoints           2.000   sd over folds 0.100
             LSTM with viewpoints, LTM+     2.000   sd over folds 0.100
  difference to PPM, LTM and STM           -0.133   [-0.513, +0.246]   lower in 2 of 3 folds
             to PPM, LTM+ and STM          +0.050   [-0.198, +0.298]   lower in 1 of 3 folds
             to viewpoints                 -0.050   [-0.050, -0.050]   lower in 3 of 3 folds
             mixture to viewpoints         -0.150   [-0.150, -0.150]   lower in 3 of 3 folds
             mixture to viewpoints, LTM+   -0.150   [-0.150, -0.150]   lower in 3 of 3 folds
  model      12,345 parameters; 1 min 0 s of training a fold, 3 min 0 s in all
  not all ten folds: these means do not stand beside the published ones"""


def test_the_table_reads_so() -> None:
    assert TABLE in "\n".join(standing_lines(standing("random")))


@pytest.mark.parametrize("folding", ["random", "grouped"])
def test_it_is_no_wider_than_a_hundred_columns(folding: str) -> None:
    for of in PUBLISHED:
        (cell,) = standing(folding).cells
        wide = dataclasses.replace(
            cell, set=of, parameters=(1_000_000, 2_000_000), seconds=(9999.0,) * 3, seeds=4
        )
        for effort in ("quick", "full"):
            told = Standing(
                effort, (dataclasses.replace(wide, tuned_seconds=9e4),), 1e5, 2, "AMD EPYC 9999 96-Core"
            )
            assert max(map(len, standing_lines(told))) <= COLUMNS
            (cell_told,) = told.cells
            other = dataclasses.replace(told, cells=(dataclasses.replace(cell_told, called="Transformer"),))
            assert max(map(len, standing_lines(other))) <= COLUMNS


def test_grouped_folds_have_nothing_published_beside_them() -> None:
    told = standing_lines(standing("grouped"))
    assert any("nothing: the published folds are random" in line for line in told)
    assert not any("2.106" in line for line in told)
    assert standing("grouped").as_dict()["cells"][0]["published"] is None


def test_what_was_learned_first_is_said() -> None:
    """The figure would stand beside those of models that knew nothing but the set."""
    (cell,) = standing("random").cells
    first = dataclasses.replace(cell, learned_first=8097, first_seconds=300.0)
    told = Standing("ordinary", (first,), 1.0, 1, "one")
    lines = "\n".join(standing_lines(told))
    assert (
        "  the LSTM has learned from 8,097 other melodies first:\n  it stands beside no published figure"
        in lines
    )
    assert "first    5 min 0 s of training before, on other melodies" in lines
    assert told.as_dict()["cells"][0]["learned_first"] == 8097
    assert standing("random").as_dict()["cells"][0]["learned_first"] is None


def test_what_the_model_is_told_is_said() -> None:
    (cell,) = standing("random").cells
    told = standing_lines(Standing("ordinary", (dataclasses.replace(cell, reads="rhythm"),), 1.0, 1, "one"))
    assert (
        "  the LSTM and viewpoints are told key, metre, phrases, each note's place and duration; PPM is not"
        in told
    )
    assert not any("are told" in line for line in standing_lines(standing("random")))


def test_a_transformer_is_called_so() -> None:
    """In every line and for programs: nobody takes its figures for an LSTM's."""
    told = dataclasses.replace(
        standing("random"),
        cells=(
            dataclasses.replace(standing("random").cells[0], called="Transformer", seeds=2, reads="rhythm"),
        ),
    )
    lines = "\n".join(standing_lines(told))
    assert "             Transformer with viewpoints, LTM+ 2.000" in lines.replace("  2.000", " 2.000")
    assert "Difference: Transformer less the other" in lines
    assert "LSTM" not in lines
    assert "LSTM" not in json.dumps(told.as_dict())
    assert told.as_dict()["cells"][0]["mean"]["Transformer"] == pytest.approx(2.1)


def test_one_fold_has_no_interval() -> None:
    told = "\n".join(standing_lines(standing("random", folds_there=1)))
    assert "[one fold has none]" in told
    assert "nan" not in told
    (cell,) = json.loads(json.dumps(standing("random", folds_there=1).as_dict(), allow_nan=False))["cells"]
    assert cell["sd"][OURS] is None


def test_the_published_row_of_the_whole_table() -> None:
    assert PUBLISHED["chorales"].bits_per_pitch["LTM+ and STM"] == 2.347
    assert PUBLISHED["chorales"].reads_more == ("multi-viewpoint", 1.953)
    assert PUBLISHED["kinder"].bits_per_pitch["bigram"] == 2.732


# ---------------------------------------------------------------------------------------------------
# Folds that are finished


def test_a_figure_is_read_back_as_it_was_left() -> None:
    left = figure_of("r", 2.0, 2.1, 2.2)
    assert read_figure(left.as_json().encode(), "it") == left
    older = json.dumps(json.loads(left.as_json()) | {"format": figure.FORMAT - 1})
    assert read_figure(older.encode(), "it") is None, "measured in another way, so measured again"
    pieceless = f'{{"format": {figure.FORMAT}, "pieces": [{{"name": 3}}]}}'.encode()
    for damaged in (b"{", b"[]", pieceless):
        with pytest.raises(StoreError, match="it is damaged"):
            read_figure(damaged, "it")


def test_finished_folds_are_known_again(store: str) -> None:
    """By their signature alone, and only with a figure in a run that came to its end."""
    wanted = read_plan(["sets=kinder", "folding=random", "folds=0,1,2,3", "tuned=false"])
    place = folds.place_of(wanted)
    assert place.store.uri == store
    for number, status, with_file in ((0, "FINISHED", True), (1, "KILLED", True), (2, "FINISHED", False)):
        fold = wanted.every[number]
        run = place.store.create_run(None, folds.tags_of(wanted, fold))
        if with_file:
            run.write(figure.FILE, figure_of(run.id, 2.0 + number, 2.1, 2.2).as_json().encode())
        run.close(status)  # type: ignore[arg-type]
    found = folds.finished(wanted, place)
    assert {fold.number: one.bits_per_pitch(OURS) for fold, one in found.items()} == pytest.approx({0: 2.0})
    assert not folds.finished(read_plan(["sets=kinder", "folding=random", "folds=0", "lr=1e-4"]), place)


def test_a_fold_is_in_one_hand_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "it.lock"
    with folds.alone(lock) as mine, folds.alone(lock) as another:
        assert (mine, another) == (True, False)
    assert not lock.exists()
    with folds.alone(lock) as mine:
        assert mine
