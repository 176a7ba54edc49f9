"""The charts of the data page: counts of a description as bars."""

from __future__ import annotations

from fractions import Fraction

from musicexp.render.charts import Bar, bar_chart
from musicexp.render.rolls import pitch_name
from musicexp.report.data_lines import share
from musicexp.report.description import Music
from musicexp.report.tally import FURTHEST

DURATIONS_SHOWN = 9
MINUS = "\N{MINUS SIGN}"


def pitch_chart(music: Music) -> str:
    """A bar a semitone, from an octave's C to another's."""
    whole = sum(music.pitches)
    low, high = music.lowest // 12 * 12, min(127, -(-(music.highest + 1) // 12) * 12)
    bars = [
        Bar(
            music.pitches[pitch],
            f"{pitch_name(pitch)} (MIDI {pitch}): {_notes(music.pitches[pitch], whole)}",
            pitch_name(pitch) if pitch % 12 == 0 else "",
            faint=pitch % 12 in (1, 3, 6, 8, 10),
        )
        for pitch in range(low, high + 1)
    ]
    commonest = max(range(128), key=lambda pitch: music.pitches[pitch])
    return bar_chart(
        bars,
        f"Bar chart of pitches from {pitch_name(music.lowest)} to {pitch_name(music.highest)}; the commonest is {pitch_name(commonest)}, {_notes(music.pitches[commonest], whole)}. Black keys are paler.",
    )


def interval_chart(music: Music) -> str:
    """A bar a semitone, down at the left, up at the right."""
    whole = sum(music.intervals)
    bars = []
    for place, times in enumerate(music.intervals):
        step = place - FURTHEST
        far = " or more" if abs(step) == FURTHEST else ""
        way = "repeated" if not step else f"{abs(step)}{far} {'up' if step > 0 else 'down'}"
        label = f"{step:+d}".replace("-", MINUS) if step and step % 6 == 0 else "0" if not step else ""
        bars.append(Bar(times, f"{way}: {_notes(times, whole, 'interval')}", label))
    repeated = music.intervals[FURTHEST]
    steps = sum(music.intervals[FURTHEST + k] for k in (-2, -1, 1, 2))
    return bar_chart(
        bars,
        f"Bar chart of melodic intervals: {share(repeated, whole)} repeat the note, {share(steps, whole)} are one or two semitones; the outermost bars are 13 and more.",
    )


def duration_chart(music: Music) -> str:
    """The commonest durations in order of length, then all others."""
    whole = sum(times for _, times in music.durations) + music.longer_notes
    commonest = sorted(music.durations, key=lambda pair: -pair[1])[:DURATIONS_SHOWN]
    shown = sorted(commonest)
    bars = [
        Bar(times, f"{_fraction(quarters)} quarters: {_notes(times, whole)}", _fraction(quarters))
        for quarters, times in shown
    ]
    others = whole - sum(times for _, times in shown)
    if others:
        bars.append(Bar(others, f"all others: {_notes(others, whole)}", "else", faint=True))
    told = ", ".join(
        f"{_fraction(quarters)} quarters {share(times, whole)}" for quarters, times in commonest[:3]
    )
    return bar_chart(bars, f"Bar chart of durations; the commonest are {told}.")


def sounding_chart(music: Music) -> str:
    """How much of the time so many notes sound at once; the last bar is for so many and more."""
    whole = sum(music.sounding_quarters)
    last = max((k for k, quarters in enumerate(music.sounding_quarters) if quarters), default=1)
    most = len(music.sounding_quarters) - 1
    bars = []
    for k, quarters in enumerate(music.sounding_quarters[: max(last, 4) + 1]):
        more = "+" if k == most else ""
        what = "silence" if k == 0 else f"{k}{' or more' if more else ''} {'note' if k == 1 else 'notes'}"
        bars.append(Bar(quarters, f"{what}: {share(quarters, whole)} of the time", f"{k}{more}"))
    told = ", ".join(f"{k} for {share(q, whole)}" for k, q in enumerate(music.sounding_quarters) if q)
    return bar_chart(bars, f"Bar chart of how many notes sound at once, by time: {told}.")


def _notes(times: int, whole: int, what: str = "note") -> str:
    return f"{times:,} {what if times == 1 else what + 's'} ({share(times, whole)})"


def _fraction(quarters: float) -> str:
    """Such as 1/2 or 1 1/2, written 1½ where there is a sign."""
    value = Fraction(quarters).limit_denominator(24)
    whole, part = divmod(value, 1)
    sign = {Fraction(1, 2): "½", Fraction(1, 4): "¼", Fraction(3, 4): "¾", Fraction(1, 3): "⅓", Fraction(2, 3): "⅔",
            Fraction(1, 8): "⅛", Fraction(3, 8): "⅜", Fraction(5, 8): "⅝", Fraction(7, 8): "⅞", Fraction(1, 6): "⅙", Fraction(5, 6): "⅚"}.get(part)  # fmt: skip
    if sign is not None:
        return f"{whole or ''}{sign}"
    return str(whole) if not part else str(value)
