"""What the votes of a study say: figures, and words that say no more than they do.

Repeats do not count; ties are left out of shares and tests, and told beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from musicexp.listening.design import Presentation, pairs_of
from musicexp.listening.statistics import (
    ALPHA,
    MOST_VOTES,
    Share,
    Strengths,
    binomial_p,
    bradley_terry,
    clopper_pearson,
    holm,
    votes_needed,
)
from musicexp.listening.votes import Answer, Study
from musicexp.wording import count

ABOUT = 10
"""What 'about so many votes' is rounded up to."""


@dataclass(frozen=True)
class PairResult:
    """Two runs against each other.

    Attributes:
        one, other: from 0.
        wins, losses, ties: of `one`.
        share: of the votes without ties that preferred `one`, with its exact 95 % interval.
        p: of the exact two-sided test against one half; for several pairs adjusted by Holm's method.
        more: about how many more votes on this pair would show the share seen, with 80 % power; 0 where it shows
            already, None where no sensible number does.
    """

    one: int
    other: int
    wins: int
    losses: int
    ties: int
    share: Share
    p: float
    more: int | None

    @property
    def told_apart(self) -> bool:
        return self.p < ALPHA


@dataclass(frozen=True)
class RunResult:
    """One run against all others of the study.

    Attributes:
        share: of its votes without ties that preferred it.
        chance: by Bradley-Terry to be preferred to a middling one of these runs; None for two runs.
    """

    wins: int
    losses: int
    ties: int
    share: Share
    chance: Share | None
    strength: float | None


@dataclass(frozen=True)
class Result:
    """A study's result.

    Attributes:
        ranking: runs from the most to the least preferred.
        strengths: of three or four runs; None for two.
        left: votes for the clip on the left (A), of the votes without ties; repeats included.
        agreed, repeats: how many of the repeats were answered as the first time.
        parts: for each part of the study its pairs; one part is the whole.
    """

    runs: tuple[RunResult, ...]
    pairs: tuple[PairResult, ...]
    ranking: tuple[int, ...]
    strengths: Strengths | None
    left: Share
    decided: int
    agreed: int
    repeats: int
    parts: tuple[tuple[PairResult, ...], ...]


def result_of(study: Study, answers: Mapping[int, Answer]) -> Result:
    """The result of a study, all of whose presentations have their answer."""
    assert len(answers) == study.last
    runs = len(study.runs)
    counted = [p for p in study.presentations if p.repeats is None]
    pairs = _pairs(runs, counted, answers)
    strengths = _strengths(runs, pairs) if runs > 2 else None
    each = tuple(_run(run, pairs, strengths) for run in range(runs))
    by = strengths.values if strengths else [-1 if math.isnan(r.share.share) else r.share.share for r in each]
    left = [answers[p.number] for p in study.presentations if answers[p.number] != "none"]
    repeats = [p for p in study.presentations if p.repeats is not None]
    return Result(
        each,
        pairs,
        tuple(sorted(range(runs), key=lambda run: -by[run])),
        strengths,
        clopper_pearson(left.count("a"), len(left)),
        len(left),
        sum(
            _chosen(p, answers) == _chosen(study.presentations[(p.repeats or 0) - 1], answers)
            for p in repeats
        ),
        len(repeats),
        tuple(_pairs(runs, [p for p in counted if p.part == part.number], answers) for part in study.parts),
    )


def _chosen(shown: Presentation, answers: Mapping[int, Answer]) -> int | None:
    """The run that was preferred; None for a tie."""
    return {"a": shown.a, "b": shown.b, "none": None}[answers[shown.number]]


def _pairs(
    runs: int, counted: Sequence[Presentation], answers: Mapping[int, Answer]
) -> tuple[PairResult, ...]:
    tallies = []
    for one, other in pairs_of(runs):
        chosen = [_chosen(p, answers) for p in counted if {p.a, p.b} == {one, other}]
        tallies.append((one, other, chosen.count(one), chosen.count(other), chosen.count(None)))
    adjusted = holm([binomial_p(wins, wins + losses) for _, _, wins, losses, _ in tallies])
    return tuple(
        PairResult(
            one,
            other,
            wins,
            losses,
            ties,
            clopper_pearson(wins, wins + losses),
            p,
            0 if p < ALPHA else more_votes(wins, losses, ties, ALPHA / len(tallies)),
        )
        for (one, other, wins, losses, ties), p in zip(tallies, adjusted, strict=True)
    )


def more_votes(wins: int, losses: int, ties: int, alpha: float = ALPHA) -> int | None:
    """About how many more votes would show the share seen, ties among them as often as now, rounded up to tens.

    It is a guess: a share from few votes is itself uncertain, and so is what follows from it.
    """
    decided = wins + losses
    needed = votes_needed(wins / decided, alpha) if decided else None
    if needed is None:
        return None
    more = (needed - decided) * (decided + ties) / decided
    rounded = max(1, math.ceil(more / ABOUT)) * ABOUT
    return rounded if rounded <= MOST_VOTES else None


def _strengths(runs: int, pairs: Sequence[PairResult]) -> Strengths:
    wins = [[0.0] * runs for _ in range(runs)]
    for pair in pairs:
        wins[pair.one][pair.other] = float(pair.wins)
        wins[pair.other][pair.one] = float(pair.losses)
    return bradley_terry(wins)


def _run(run: int, pairs: Sequence[PairResult], strengths: Strengths | None) -> RunResult:
    wins = sum(p.wins for p in pairs if p.one == run) + sum(p.losses for p in pairs if p.other == run)
    losses = sum(p.losses for p in pairs if p.one == run) + sum(p.wins for p in pairs if p.other == run)
    ties = sum(p.ties for p in pairs if run in (p.one, p.other))
    return RunResult(
        wins,
        losses,
        ties,
        clopper_pearson(wins, wins + losses),
        strengths.chances()[run] if strengths else None,
        strengths.values[run] if strengths else None,
    )


# ---------------------------------------------------------------------------------------------------
# Words


def percent(value: float) -> str:
    """Such as "80 %"."""
    return f"{_rounded(value)} %"


def interval(share: Share) -> str:
    """Such as "56 to 94 %"."""
    return f"{_rounded(share.low)} to {_rounded(share.high)} %"


def _rounded(value: float) -> int:
    """Percent, a half one up, as the page rounds too."""
    return math.floor(100 * value + 0.5)


def p_words(p: float) -> str:
    """Such as "p = .012"."""
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".")


def pair_words(pair: PairResult, names: Sequence[str], several: bool = False) -> tuple[str, str]:
    """What two runs against each other come to, in a short sentence, and the figures behind it.

    Args:
        several: whether the study has more pairs, so that p was adjusted.
    """
    one, other = names[pair.one], names[pair.other]
    both = f"{one} and {other}"
    decided = pair.wins + pair.losses
    if not decided:
        return f"{both} cannot be told apart", "Every vote said 'no difference'."
    wins, share = pair.wins, pair.share
    if share.share < 0.5:
        one, other = other, one
        wins, share = pair.losses, Share(1 - share.share, 1 - share.high, 1 - share.low)
    adjusted = " after Holm" if several else ""
    ties = f" {count(pair.ties, 'vote')} more said 'no difference'." if pair.ties else ""
    figures = (
        f"{wins} of {count(decided, 'vote')} preferred {one}: {percent(share.share)}, 95 % interval {interval(share)}, "
        f"{p_words(pair.p)}{adjusted} (exact binomial test).{ties}"
    )
    if pair.told_apart:
        return f"{one} is preferred to {other}", figures
    if pair.more is None:
        return (
            f"{both} cannot be told apart",
            f"{figures} If that is the true share, even {MOST_VOTES:,} votes would hardly show it.",
        )
    return (
        f"{both} cannot be told apart yet: about {pair.more:,} more votes",
        f"{figures} If that is the true share, so many more{' on this pair' if several else ''} would show it four times in five.",
    )


def result_words(result: Result, names: Sequence[str]) -> list[str]:
    """The whole result in sentences: the headline, the figures behind it, then what else is to be known."""
    several = len(names) > 2
    told = [pair_words(pair, names, several) for pair in result.pairs]
    if several:
        said = [f"From the most to the least preferred: {', '.join(names[k] for k in result.ranking)}", ""]
        said += [f"{headline}. {figures}" for headline, figures in told]
    else:
        said = [*told[0]]
    if result.strengths is not None and result.strengths.separated:
        said.append(
            "Some runs never lost to others, so no finite strengths fit the votes: the chances shown lean on a weak prior (half a vote each way for every pair)."
        )
    if result.strengths is not None and not result.strengths.converged:
        said.append("The search for the strengths did not converge: take the chances shown as rough.")
    if len(result.parts) > 1:
        said += _parts_words(result, names)
    if result.repeats:
        said.append(
            f"{count(result.repeats, 'pair')} came twice, and {result.agreed} got the same answer again: no ear agrees with others better than with itself."
        )
    said.append(side_words(result))
    said.append(
        "One listener, these clips: this is what one ear preferred here, not what every ear would prefer everywhere."
    )
    return said


def _parts_words(result: Result, names: Sequence[str]) -> list[str]:
    said = [
        f"The votes came in {len(result.parts)} parts, and a later one was decided on when the result of the earlier ones was known: one goes on mostly where it is close, so the figures over all of them are a little too sure. The last part by itself is not:"
    ]
    for pair in result.parts[-1]:
        headline, figures = pair_words(pair, names, len(names) > 2)
        said.append(f"Part {len(result.parts)}: {headline}. {figures}")
    return said


def side_words(result: Result) -> str:
    """Whether one side was preferred, whatever stood there."""
    return (
        f"The left clip was preferred in {round(result.left.share * result.decided)} of {result.decided} votes"
        f" (95 % interval {interval(result.left)}); each run stood there in half of its pairs, so that favours none."
        if result.decided
        else "No vote preferred a side."
    )
