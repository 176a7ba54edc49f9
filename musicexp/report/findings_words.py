"""What statistics find, in sentences for a terminal: the figures that a reader asks for first, others counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from musicexp.report.figure_names import heading
from musicexp.report.findings import Beside, Findings, PairedFigure
from musicexp.wording import count

FIRST = (
    "bits_per_note/val", "bits_per_note/test", "seconds", "roughness/val", "spikes/val", "roughness/train", "spikes/train",
)  # fmt: skip
"""Nats per token say the same as bits per note where both can be compared; JSON has them."""
MUSIC_SHOWN = 6


def finding_lines(found: Findings) -> Iterator[tuple[str, str]]:
    """(head, sentence), in the order in which they are told."""
    for pair in found.beside:
        yield from _pair(pair)
    yield from (("", words) for words in found.beside_words)
    yield from (("curves", words) for words in found.curves)


def _pair(pair: Beside) -> Iterator[tuple[str, str]]:
    if pair.figures:
        seeds = count(len(pair.seeds), "seed")
        yield (
            "pairs",
            f"{pair.labels[0]} beside {pair.labels[1]}, by {seeds} that both have; ranges are 95 % intervals",
        )
    yield from (("", words) for words in pair.words)
    shown = [pair.figures[name] for name in FIRST if name in pair.figures]
    width = max((len(heading(one.figure)) for one in shown), default=0)
    yield from (("", f"  {heading(one.figure):{width}}  {one.words}") for one in shown)
    yield from (("", words) for words in music_words(pair))


def music_words(pair: Beside) -> list[str]:
    """The metrics of the samples that seeds alone do not explain, and how many others there are."""
    means = [one for name, one in pair.figures.items() if name.startswith("music/") and not _compares(name)]
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


def _compares(name: str) -> bool:
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
    return first + [name for name in names if name.startswith("music/") and not _compares(name)]
