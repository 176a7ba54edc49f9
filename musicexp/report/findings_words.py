"""What statistics find, in sentences for a terminal: the figures that a reader asks for first, others counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from musicexp.report.figure_names import heading
from musicexp.report.findings import Beside, Findings, LossAndMusic, MissingRuns, PairedFigure
from musicexp.report.loss_and_music import QUESTION
from musicexp.wording import count

FIRST = (
    "bits_per_note/val", "bits_per_note/test", "seconds", "roughness/val", "spikes/val", "roughness/train", "spikes/train",
)  # fmt: skip
"""Nats per token say the same as bits per note where both can be compared; JSON has them."""
MUSIC_SHOWN = 6
MOST_COMMANDS = 8
PAIRS_IN_FULL = 3


def finding_lines(found: Findings) -> Iterator[tuple[str, str]]:
    """(head, sentence), in the order in which they are told."""
    for pair in found.beside:
        yield from _pair(pair, FIRST if len(found.beside) <= PAIRS_IN_FULL else FIRST[:1])
    if len(found.beside) > PAIRS_IN_FULL:
        yield "", "other figures of these pairs stand in the page, and in --json"
    yield from (("", words) for words in found.beside_words)
    yield from (("curves", words) for words in found.curves)
    yield from (("music", words) for words in found.loss_and_music.words)
    yield from (("luck", one.words) for one in found.luck)
    yield from missing_lines(found.missing)


def _pair(pair: Beside, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if pair.figures:
        seeds = count(len(pair.seeds), "seed")
        yield (
            "pairs",
            f"{pair.labels[0]} beside {pair.labels[1]}, by {seeds} that both have; ranges are 95 % intervals",
        )
    yield from (("", words) for words in pair.words)
    known = [pair.figures[name] for name in names if name in pair.figures]
    shown = [one for one in known if one.figure == FIRST[0] or one.equal < one.pairs]
    width = max((len(heading(one.figure)) for one in shown), default=0)
    yield from (("", f"  {heading(one.figure):{width}}  {one.words}") for one in shown)
    if len(names) > 1:
        yield from (("", words) for words in music_words(pair))


def missing_lines(missing: MissingRuns) -> Iterator[tuple[str, str]]:
    """What to train next: at most eight commands of a kind, then how many more there are."""
    yield from (("factors", words) for words in missing.words)
    yield from (("", line) for line in shown_commands(missing.commands))
    if missing.more_seeds:
        yield "seeds", "so that every configuration has the same seeds, three at least:"
        yield from (("", line) for line in shown_commands(missing.more_seeds))


def shown_commands(commands: Sequence[str]) -> list[str]:
    """The first eight, and how many more there are."""
    more = len(commands) - MOST_COMMANDS
    return [f"  {command}" for command in commands[:MOST_COMMANDS]] + [f"  and {count(more, 'more command')}; --json tells all"] * (more > 0)  # fmt: skip


def answer(found: LossAndMusic) -> list[str]:
    """The answer where the question stands as a heading."""
    return [words.removeprefix(f"{QUESTION} ") for words in found.words]


def music_words(pair: Beside) -> list[str]:
    """The metrics of the samples that seeds alone do not explain, and how many others there are."""
    means = [one for name, one in pair.figures.items() if name.startswith("music/") and not compares(name)]
    if not means:
        return []
    apart = sorted((one for one in means if one.within_noise is False), key=_sureness)
    words = [f"  {heading(one.figure)}: {one.words}" for one in apart[:MUSIC_SHOWN]]
    more = f"{len(apart) - MUSIC_SHOWN} more differ, " * (len(apart) > MUSIC_SHOWN)
    rest = len(means) - len(apart)
    if not apart:
        one_pair = all(one.within_noise is None for one in means)
        told = "have one pair each, which says little" if one_pair else "are within seed noise"
        return [f"  all {count(len(means), 'metric')} of the samples {told}"]
    if more or rest:
        words.append(f"  of the metrics of the samples, {more}{rest} are within seed noise")
    return words


def compares(name: str) -> bool:
    """Whether it is no value of the samples but how they stand beside real pieces."""
    return ".auc/" in name or ".oa/" in name


def _sureness(one: PairedFigure) -> float:
    """How wide the interval is for its mean: the surest first, whatever the unit."""
    assert one.low is not None
    assert one.high is not None
    return (one.high - one.low) / abs(one.mean) if one.mean else 0.0


def shown_figures(pairs: Sequence[Beside]) -> list[str]:
    """Figures that a page shows of pairs, in their order: without what only says the same in nats."""
    names = dict.fromkeys(name for pair in pairs for name in pair.figures)
    first = [name for name in FIRST if name in names]
    return first + [name for name in names if name.startswith("music/") and not compares(name)]
