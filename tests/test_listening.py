"""Blind listening: the design is balanced, the figures are those of others, no vote is lost, nothing is given away."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SHARED, melody
from hypothesis import given, settings
from hypothesis import strategies as st

from musicexp.cli import main
from musicexp.cli.complete import candidates
from musicexp.config import compose, to_yaml
from musicexp.errors import MusicexpError, RunError, SettingError, StoreError
from musicexp.listening.clips import (
    Cut,
    Source,
    check_different,
    check_enough,
    clip_of,
    cut_of,
    drawing_of,
    melodies_of,
    source_of,
)
from musicexp.listening.design import Presentation, design, draws_wanted, pairs_of, repeats_of
from musicexp.listening.result import more_votes, result_of, result_words
from musicexp.listening.reveal import differing, result_lines, revealed, write_on_runs
from musicexp.listening.settings import Listening, listening_of
from musicexp.listening.statistics import (
    binomial_p,
    bradley_terry,
    clopper_pearson,
    holm,
    power,
    votes_needed,
)
from musicexp.listening.study import open_study, study_id
from musicexp.listening.votes import Answer, Part, StaleError, Standing, Study, Votes
from musicexp.music import STEPS_PER_QUARTER, Note, Piece, midi_bytes
from musicexp.tracking import MemoryRun

# ---------------------------------------------------------------------------------------------------
# The design


studies = st.tuples(
    st.integers(2, 4), st.integers(1, 70), st.floats(0, 0.5), st.integers(0, 2**32), st.integers(0, 9)
)


def designed(runs: int, votes: int, share: float, seed: int, spare: int) -> list[Presentation]:
    draws = range(1, draws_wanted(runs, votes) + 1 + spare)
    return design(runs, votes, repeats_of(votes, share), draws, seed)


@given(studies)
@settings(max_examples=30, deadline=None)
def test_every_pair_comes_equally_often_and_each_run_on_the_left_in_half_of_them(
    study: tuple[int, int, float, int, int],
) -> None:
    runs, votes, *_ = study
    counted = [p for p in designed(*study) if p.repeats is None]
    assert len(counted) == votes
    often = Counter(frozenset((p.a, p.b)) for p in counted)
    assert max(often.values()) - min(often[frozenset(pair)] for pair in pairs_of(runs)) <= 1
    for one, other in pairs_of(runs):
        left = sum(p.a == one for p in counted if {p.a, p.b} == {one, other})
        # The last block may be cut short, so one vote may be missing of the half.
        assert abs(2 * left - often[frozenset((one, other))]) <= 2


@given(studies)
@settings(max_examples=30, deadline=None)
def test_no_pair_of_clips_comes_twice_but_the_repeats_with_their_sides_exchanged(
    study: tuple[int, int, float, int, int],
) -> None:
    shown = designed(*study)
    assert [p.number for p in shown] == list(range(1, len(shown) + 1))
    assert len(shown) == study[1] + repeats_of(study[1], study[2])
    counted = [p for p in shown if p.repeats is None]
    assert len({(frozenset((p.a, p.b)), p.draw) for p in counted}) == len(counted)
    again = [p for p in shown if p.repeats is not None]
    assert len({p.repeats for p in again}) == len(again)
    for p in again:
        first = shown[(p.repeats or 0) - 1]
        assert (first.a, first.b, first.draw) == (p.b, p.a, p.draw)
        assert first.number < p.number
        assert first.repeats is None


@given(studies)
@settings(max_examples=30, deadline=None)
def test_a_seed_gives_one_design_and_another_seed_another(study: tuple[int, int, float, int, int]) -> None:
    runs, votes, share, seed, spare = study
    assert designed(*study) == designed(*study)
    if votes >= 30:
        assert designed(*study) != designed(runs, votes, share, seed + 1, spare)


def test_which_side_comes_next_cannot_be_foretold() -> None:
    """Over many seeds each place has each side equally often, whatever stood before."""
    sides = [[p.a == 0 for p in design(2, 20, 0, range(1, 21), seed)] for seed in range(300)]
    means = np.mean(sides, axis=0)
    assert np.abs(means - 0.5).max() < 0.13
    same = np.mean([one[k] == one[k - 1] for one in sides for k in range(1, 20)])
    assert same == pytest.approx(9 / 19, abs=0.03)  # as in a shuffled deck of ten and ten


# ---------------------------------------------------------------------------------------------------
# The figures


def test_the_interval_and_the_test_are_scipys() -> None:
    from scipy import stats

    for trials in (1, 7, 20, 61):
        for successes in range(trials + 1):
            ours = clopper_pearson(successes, trials)
            theirs = stats.binomtest(successes, trials, 0.5)
            interval = theirs.proportion_ci(0.95, "exact")
            assert ours == pytest.approx((successes / trials, interval.low, interval.high), abs=1e-9)
            assert binomial_p(successes, trials) == pytest.approx(theirs.pvalue)
    assert clopper_pearson(0, 0)[1:] == (0, 1)
    assert math.isnan(clopper_pearson(0, 0).share)
    assert binomial_p(0, 0) == 1


def test_power_is_how_often_the_test_finds_it() -> None:
    from scipy import stats

    for trials in (5, 20, 49):
        found = [k for k in range(trials + 1) if binomial_p(k, trials) < 0.05]
        assert power(trials, 0.7) == pytest.approx(sum(stats.binom.pmf(k, trials, 0.7) for k in found))


def test_votes_needed_are_those_of_the_reference() -> None:
    path = SHARED / "reference" / "listening_power.json"
    if not path.exists():
        pytest.skip("the reference values are not here")
    [table] = json.loads(path.read_text()).values()
    for share, needed in table.items():
        assert votes_needed(float(share)) == needed
        assert votes_needed(1 - float(share)) == needed
    assert votes_needed(0.5) is None
    assert votes_needed(0.52) is None  # more than anybody listens


def test_how_many_more_votes_counts_ties_as_often_as_they_came() -> None:
    assert more_votes(14, 6, 0) == 30  # 49 are needed for .7
    assert more_votes(14, 6, 20) == 60
    assert more_votes(10, 10, 3) is None
    assert more_votes(0, 0, 5) is None
    assert more_votes(2, 0, 1) == 10


def test_strengths_are_those_of_choix_and_evalica() -> None:
    path = SHARED / "reference" / "bradley_terry_krippendorff.json"
    if not path.exists():
        pytest.skip("the reference values are not here")
    table = json.loads(path.read_text())
    ours = bradley_terry(table["wins_row_beats_col"])
    assert ours.converged
    assert not ours.separated
    assert ours.values == pytest.approx(table["choix_ilsr_pairwise"], abs=1e-8)
    # evalica gives the same up to a factor.
    theirs = np.log([table["evalica_bradley_terry"][str(k)] for k in range(4)])
    assert ours.values == pytest.approx(theirs - theirs.mean(), abs=1e-3)
    chances = ours.chances()
    assert all(c.low < c.share < c.high for c in chances)


@given(st.lists(st.lists(st.integers(1, 9), min_size=3, max_size=3), min_size=3, max_size=3))
@settings(max_examples=20, deadline=None)
def test_strengths_expect_as_many_wins_as_there_were(wins: list[list[int]]) -> None:
    found = bradley_terry(wins)
    values = np.array(found.values)
    chances = 1 / (1 + np.exp(values[None, :] - values[:, None]))
    table = np.array(wins, dtype=float)
    np.fill_diagonal(table, 0)
    np.fill_diagonal(chances, 0)
    assert found.converged
    assert table.sum(axis=1) == pytest.approx(((table + table.T) * chances).sum(axis=1), abs=1e-6)


def test_two_runs_strengths_are_the_log_odds() -> None:
    found = bradley_terry([[0, 12], [4, 0]])
    assert found.values[0] - found.values[1] == pytest.approx(math.log(3))
    # Of a difference of log odds the error is sqrt(1/12 + 1/4); each strength has half of the difference.
    assert found.errors[0] == pytest.approx(math.sqrt(1 / 12 + 1 / 4) / 2)


def test_a_run_that_never_lost_has_finite_strengths_by_a_prior_and_they_say_so() -> None:
    found = bradley_terry([[0, 5, 5], [0, 0, 3], [0, 2, 0]])
    assert found.separated
    assert found.converged
    assert found.values[0] == max(found.values) < 10


def test_holms_adjustment() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]


# ---------------------------------------------------------------------------------------------------
# The votes


KEY = "key-{:06}".format


def a_study(
    votes: Votes, runs: int = 2, count: int = 6, repeats: int = 1, seconds: float = 2.0, seed: int = 5
) -> Study:
    """A study of random melodies, begun in this file."""
    draws = range(1, draws_wanted(runs, count) + 1)
    shown = design(runs, count, repeats, draws, seed)
    cut = cut_of([melody(0)], seconds, 120)
    clips = {
        (run, draw): midi_bytes(clip_of(melody(100 * run + draw), cut))
        for run in range(runs)
        for draw in draws
    }
    facts = {"settings": {"seed": seed}, "temperature": 1.0, "cut": dataclasses.asdict(cut)}
    ids = [f"{run:032x}" for run in range(0xABC0, 0xABC0 + runs)]
    votes.begin("study", ids, facts, Part(1, count), shown, clips)
    found = votes.study("study")
    assert found is not None
    return found


def test_a_study_is_read_back_as_it_was_begun(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "new folder" / "listening.db")
    study = a_study(votes, runs=3, count=7, repeats=2)
    assert study.presentations == tuple(design(3, 7, 2, [1, 2, 3], 5))
    assert (study.votes, study.last) == (7, 9)
    assert len(votes.clips("study")) == 9
    votes.close()
    again = Votes(tmp_path / "new folder" / "listening.db")
    assert again.study("study") == study
    assert again.study("another") is None
    assert again.standing("study") == Standing({}, 0)


def test_votes_stand_until_they_are_taken_back_and_nothing_is_deleted(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    study = a_study(votes)
    votes.vote(study, 1, "a", KEY(1), [2.0, 2.0])
    votes.vote(study, 2, "none", KEY(2))
    votes.undo(study, 2, KEY(3))
    votes.vote(study, 2, "b", KEY(4))
    assert votes.standing("study").answers == {1: "a", 2: "b"}
    with sqlite3.connect(votes.path) as rows:
        assert [kind for (kind,) in rows.execute("SELECT kind FROM event ORDER BY id")] == [
            "vote",
            "vote",
            "undo",
            "vote",
        ]
        with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
            rows.execute("DELETE FROM event")
        with pytest.raises(sqlite3.IntegrityError, match="never changed"):
            rows.execute("UPDATE event SET answer = 'a'")
    rows.close()


def test_a_vote_that_is_sent_twice_counts_once(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    study = a_study(votes)
    for _ in range(3):
        votes.vote(study, 1, "a", KEY(1))
    assert votes.standing("study").answers == {1: "a"}
    with pytest.raises(StaleError, match="used for something else"):
        votes.vote(study, 1, "b", KEY(1))
    with pytest.raises(StaleError, match="has its vote already"):
        votes.vote(study, 1, "a", KEY(2))
    with pytest.raises(StaleError):
        votes.vote(study, 3, "a", KEY(3))  # not its turn yet
    votes.undo(study, 1, KEY(4))
    votes.undo(study, 1, KEY(4))
    assert votes.standing("study").answers == {}


def test_no_result_before_the_last_vote_and_no_undo_behind_it(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    study = a_study(votes)
    for number in range(1, study.last):
        votes.vote(study, number, "a", KEY(number))
    with pytest.raises(StaleError, match="1 votes are missing"):
        votes.reveal(study, KEY(90))
    votes.vote(study, study.last, "a", KEY(91))
    with pytest.raises(StaleError):
        votes.vote(study, study.last + 1, "a", KEY(92))
    votes.reveal(study, KEY(93))
    assert votes.standing("study").revealed == study.last
    with pytest.raises(StaleError, match="its result was shown"):
        votes.undo(study, study.last, KEY(94))


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    [[synchronous]] = votes._db.execute("PRAGMA synchronous").fetchall()
    [[journal]] = votes._db.execute("PRAGMA journal_mode").fetchall()
    assert (synchronous, journal) == (3, "delete")


VOTING = """
import sys
from pathlib import Path
from musicexp.listening.votes import Votes
votes = Votes(Path(sys.argv[1]))
study = votes.study("study")
for number in range(1, study.last + 1):
    votes.vote(study, number, "a", f"key-{number:06}")
    print(number, flush=True)
"""


@pytest.mark.slow
def test_a_kill_behind_an_acknowledged_vote_loses_none(tmp_path: Path) -> None:
    path = tmp_path / "listening.db"
    votes = Votes(path)
    study = a_study(votes, count=300, repeats=0)
    process = subprocess.Popen(
        [sys.executable, "-c", VOTING, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    for _ in range(3):
        told = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    told = max([told, *map(int, process.stdout.read().split())])
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    stands = len(votes.standing("study").answers)
    # One more may be on the disk, unacknowledged.
    assert told <= stands <= told + 1 < study.last


def test_a_file_that_holds_no_votes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "listening.db"
    path.write_bytes(b"something else entirely, and not short at all" * 100)
    with pytest.raises(StoreError, match="damaged or no file of votes"):
        Votes(path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(StoreError, match="cannot be read or written"):
        Votes(folder)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as made:
        made.execute("PRAGMA user_version = 9")
    made.close()
    with pytest.raises(StoreError, match="format 9"):
        Votes(newer)


# ---------------------------------------------------------------------------------------------------
# The clips


@functools.cache
def configuration(overrides: tuple[str, ...]) -> bytes:
    return to_yaml(compose(list(overrides)).as_dict()).encode()


def run_of(seed: int, count: int = 8, *overrides: str, same: int | None = None) -> MemoryRun:
    """A run with its configuration and samples, but no checkpoint."""
    run = MemoryRun(id=f"{seed:032x}", name=f"run {seed}")
    run.write("config.yaml", configuration(overrides))
    for k in range(1, count + 1):
        run.write(f"sample_{k}.mid", midi_bytes(melody(1000 * (seed if same is None else same) + k, 100)))
    return run


def sources_of(*runs: MemoryRun) -> list[Source]:
    return [source_of(run) for run in runs]


def test_draws_are_the_runs_own_files_where_all_sampled_alike() -> None:
    sources = sources_of(run_of(1), run_of(2))
    assert drawing_of(sources, None).temperature == 1.0
    drawing = drawing_of(sources, 1.5)
    assert drawing.own
    found = melodies_of(sources[0], drawing, [1, 3])
    assert found[1].fingerprint() == melody(1002, 100).fingerprint()  # sample_2 is draw 1 of the second one
    assert found[3].fingerprint() == melody(1006, 100).fingerprint()


def test_draws_are_made_anew_where_runs_sampled_differently() -> None:
    sources = sources_of(run_of(1), run_of(2, 8, "samples.top_k=5"))
    assert not drawing_of(sources, None).own
    sources = sources_of(run_of(1), run_of(2, 8, "samples.temperature=[1.5,1.0]"))
    drawing = drawing_of(sources, None)
    assert not drawing.own  # one temperature, but in another place: other random numbers
    assert drawing.samples.temperature == (1.0,)
    with pytest.raises(RunError, match="no checkpoint"):
        check_enough(sources, drawing, 1)


def test_a_run_with_too_few_melodies_and_no_checkpoint_is_refused() -> None:
    sources = sources_of(run_of(1), run_of(2, 4))
    drawing = drawing_of(sources, None)
    check_enough(sources, drawing, 2)
    with pytest.raises(RunError, match=r"has 2 of the 3 melodies .* no checkpoint .* fewer votes \(2"):
        check_enough(sources, drawing, 3)


def test_runs_that_wrote_the_same_are_refused() -> None:
    sources = sources_of(run_of(1), run_of(2, same=1))
    drawing = drawing_of(sources, None)
    melodies = [melodies_of(source, drawing, [1, 2]) for source in sources]
    with pytest.raises(RunError, match="note for note"):
        check_different(sources, melodies)


@given(st.integers(0, 50), st.floats(2, 20), st.sampled_from([(4, 4), (3, 4), (6, 8), (2, 2)]))
@settings(max_examples=20, deadline=None)
def test_clips_are_whole_bars_at_one_tempo_and_velocity(
    seed: int, seconds: float, metre: tuple[int, int]
) -> None:
    notes = melody(seed).notes()
    late = [note._replace(onset=note.onset + 500, velocity=30 + note.onset % 90) for note in notes]
    piece = Piece.of(late, tempo=77, metre=metre)
    cut = cut_of([piece], seconds, 120)
    bar = metre[0] * 4 * STEPS_PER_QUARTER // metre[1]
    assert cut.steps % bar == 0
    # Of 2.9999999999999964 seconds three are whole.
    assert seconds - bar / STEPS_PER_QUARTER / 2 < cut.seconds - 1 <= seconds + 1e-9
    clip = clip_of(piece, cut)
    assert clip.tempo == 120
    assert set(clip.velocity.tolist()) == {80}
    assert int(clip.onset[0]) < bar  # it begins with the bar of its first note
    assert int((clip.onset + clip.duration).max()) <= cut.steps
    begin = int(piece.onset[0]) // bar * bar
    kept = [n for n in piece.notes() if n.onset - begin < cut.steps]
    assert [n.pitch for n in clip.notes()] == [n.pitch for n in kept]


def test_a_clip_shorter_than_a_bar_is_refused_and_a_silent_melody_is_none() -> None:
    with pytest.raises(SettingError, match="seconds=3 is less than one bar"):
        cut_of([melody(0)], 3, 40)
    assert len(clip_of(Piece.of([]), Cut(96, 96, 120))) == 0
    slow, fast = (dataclasses.replace(melody(0), tempo=tempo) for tempo in (60.0, 140.0))
    assert cut_of([slow, fast, fast], 10, None).tempo == 140
    assert Note(0, 1, 60).velocity == 80


# ---------------------------------------------------------------------------------------------------
# The study


def asked(**given: object) -> Listening:
    return listening_of(given)


def opened(votes: Votes, sources: Sequence[Source], /, **given: object) -> Study:
    return open_study(votes, sources, asked(**given), lambda _: None)


def answered(votes: Votes, study: Study, answer: Answer = "a") -> None:
    for number in range(votes.standing(study.id).next, study.last + 1):
        votes.vote(study, number, answer, KEY(number))
    votes.reveal(study, f"reveal-{study.last}")


def test_the_same_runs_and_settings_are_the_same_study(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    sources = sources_of(run_of(1), run_of(2))
    study = opened(votes, sources, votes=4)
    assert (study.votes, study.last) == (4, 4)
    assert opened(votes, sources[::-1]) == study  # in whatever order, and without the number
    assert opened(votes, sources, votes=4, port=9000, open=True) == study
    assert opened(votes, sources, votes=3, seed=1).id != study.id
    ids = [source.run.id for source in sources]
    assert study_id(ids, asked()) != study_id(ids, asked(seconds=10))


def test_melodies_are_drawn_by_lot_from_all_that_the_runs_wrote(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    sources = sources_of(run_of(1, 24), run_of(2, 24))
    drawn = {opened(votes, sources, votes=4, seed=seed).presentations[0].draw for seed in range(6)}
    assert max(drawn) > 4


def test_the_number_is_fixed_and_more_votes_are_another_part(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    sources = sources_of(run_of(1, 24), run_of(2, 24))
    study = opened(votes, sources, votes=6, repeats=0.2)
    with pytest.raises(SettingError, match="votes=4: this study was begun with 6"):
        opened(votes, sources, votes=4, repeats=0.2)
    with pytest.raises(RunError, match=r"fixed until its result is there \(7 votes are missing of 7\)"):
        opened(votes, sources, votes=8, repeats=0.2)
    answered(votes, study)
    more = opened(votes, sources, votes=10, repeats=0.2)
    assert [part.votes for part in more.parts] == [6, 4]
    assert more.presentations[: study.last] == study.presentations
    assert not {p.draw for p in more.presentations if p.part == 2} & {p.draw for p in study.presentations}
    answered(votes, more, "b")
    result = result_of(more, votes.standing(more.id).answers)
    assert [sum(pair.wins + pair.losses for pair in part) for part in result.parts] == [6, 4]
    words = " ".join(result_words(result, ["one", "two"]))
    assert "2 parts" in words
    assert "a little too sure" in words
    assert "Part 2: " in words


def preferring(study: Study, run: int, but: int = 0) -> dict[int, Answer]:
    """Answers that prefer a run wherever it is heard, all but so many times; else none."""
    answers: dict[int, Answer] = {}
    for p in study.presentations:
        answers[p.number] = "a" if p.a == run else "b" if p.b == run else "none"
    for p in [p for p in study.presentations if p.repeats is None and run in (p.a, p.b)][:but]:
        answers[p.number] = "b" if p.a == run else "a"
    return answers


def test_the_words_say_what_is_told_apart_and_how_much_is_missing(tmp_path: Path) -> None:
    study = a_study(Votes(tmp_path / "listening.db"), count=20, repeats=2)
    clear = result_words(result_of(study, preferring(study, 1, but=3)), ["x", "y"])
    assert clear[0] == "y is preferred to x"
    assert clear[1].startswith("17 of 20 votes preferred y: 85 %, 95 % interval 62 to 97 %, p = .003")
    close = result_words(result_of(study, preferring(study, 1, but=7)), ["x", "y"])
    assert close[0] == "x and y cannot be told apart yet: about 70 more votes"  # 90 are needed for .65
    even = result_words(result_of(study, preferring(study, 1, but=10)), ["x", "y"])
    assert even[0] == "x and y cannot be told apart"
    ties = result_words(result_of(study, dict.fromkeys(range(1, 23), "none")), ["x", "y"])
    assert ties[1] == "Every vote said 'no difference'."
    assert any("One listener" in line for line in ties)
    assert any("2 pairs came twice" in line for line in clear)


def test_three_runs_are_ranked(tmp_path: Path) -> None:
    study = a_study(Votes(tmp_path / "listening.db"), runs=3, count=60, repeats=0)
    result = result_of(study, preferring(study, 2))
    assert result.ranking[0] == 2
    assert result.strengths is not None
    assert result.strengths.separated
    words = result_words(result, ["x", "y", "z"])
    assert words[0].startswith("From the most to the least preferred: z, ")
    assert sum("is preferred to" in line for line in words) == 2
    assert any("weak prior" in line for line in words)
    assert result.runs[2].share.share == 1


def test_repeats_do_not_count_but_tell_how_one_agrees_with_oneself(tmp_path: Path) -> None:
    study = a_study(Votes(tmp_path / "listening.db"), count=10, repeats=4)
    answers = preferring(study, 0)
    result = result_of(study, answers)
    assert (result.runs[0].wins, result.repeats, result.agreed) == (10, 4, 4)
    always_left = result_of(study, dict.fromkeys(answers, "a"))
    assert (always_left.agreed, always_left.left.share) == (0, 1)
    assert always_left.runs[0].wins == 5


def test_the_result_is_written_on_the_runs_once(tmp_path: Path) -> None:
    votes = Votes(tmp_path / "listening.db")
    runs = [run_of(1, 20), run_of(2, 20, "lr=0.001")]
    runs[0].name, runs[1].name = "<script>alert(1)</script>", "长的\u202e音乐"
    sources = sources_of(*runs)
    study = opened(votes, sources, votes=10)
    answered(votes, study, "none")
    assert differing(sources) == [("lr", ["0.005", "0.001"])]
    standing = dataclasses.replace(votes.standing(study.id), answers=preferring(study, 1))
    for _ in range(2):
        write_on_runs(study, standing, runs)
    assert runs[1].metrics["listening/preferred"] == {1: 1.0}
    assert runs[0].metrics["listening/preferred"] == {1: 0.0}
    assert runs[1].metrics["listening/votes"] == {1: 10.0}
    assert runs[1].metrics["listening/p"][1] == pytest.approx(2 / 2**10)
    assert runs[1].metrics["listening/low"][1] == pytest.approx(0.6915, abs=1e-4)
    assert runs[1].tags["listening/against"] == runs[0].id
    assert "in 10 of 10 votes (100 %, 95 % interval 69 to 100 %" in runs[1].tags[f"listening/{study.id}"]
    told = revealed(study, standing, sources, [{"nll_nats/val": 1.5}, {}])
    text = "\n".join(result_lines(told))
    assert "长的\\u202e音乐 is preferred to <script>alert(1)</script>" in text
    assert "\u202e" not in text
    assert "1.5000 nats per token, validation" in text
    assert len(told["heard"]) == study.last


# ---------------------------------------------------------------------------------------------------
# The command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["listen"], "two to four runs, and none is named"),
        (["listen", "one"], "only one is named"),
        (["listen", *"abcde"], "5 are named"),
        (["listen", "one", "two", "votes=0"], "votes must be a whole number, at least 1"),
        (["listen", "one", "two", "vote=3"], "unknown setting vote: did you mean votes?"),
        (["listen", "one", "two", "--results"], "unknown flag --results"),
        (
            ["listen", "one", "two", "port=99999"],
            "port must be a whole number, at least 1 and at most 65,535",
        ),
        (["listen", "one", "two", "tracking.uri=nowhere.db"], "there is no store at"),
    ],
)
def test_wrong_words_are_one_sentence(
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.startswith("musicexp: ")
    assert shown.count("\n") == 1


def test_help_tells_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--help"]) == 0
    shown = capsys.readouterr().out
    for field in dataclasses.fields(Listening):
        assert f"  {field.name}=" in shown


def test_errors_are_ours() -> None:
    assert issubclass(StaleError, MusicexpError)


def test_runs_and_settings_are_completed() -> None:
    assert "listen" in candidates(["li"])
    assert candidates(["listen", "one", "vo"]) == ["votes="]
    assert candidates(["listen", "one", "two", "open=t"]) == ["open=true"]
    assert candidates(["listen", "one", "two", "votes=3", "vo"]) == []
    assert candidates(["listen", "one", "two", "--r"]) == ["--result"]
    assert "last" in candidates(["listen", "one", "la"])
    assert candidates(["listen", *"abcd", "la"]) == []
