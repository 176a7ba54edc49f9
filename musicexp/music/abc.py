"""ABC notation in one spelling: what of a tune sounds, and nothing else.

music21 10.5 misreads what decorates: a fermata `HG3` loses the note, an accent `">"` becomes a broken
rhythm. So a tune is put into this spelling before it is read; the same text is what `tokens=abc` learns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

LETTERS = "CDEFGABcdefgab"
METRES = ("C", "C|", *(f"{beats}/{unit}" for beats in range(1, 25) for unit in (1, 2, 4, 8, 16)))
UNITS = tuple(f"1/{unit}" for unit in (1, 2, 4, 8, 16, 32))
MODES = ("", "m", "mix", "dor", "phr", "lyd", "loc")
KEYS = tuple(tonic + sign + mode for tonic in "ABCDEFG" for sign in ("", "#", "b") for mode in MODES)
HEAD = (("M:", METRES), ("L:", UNITS), ("K:", KEYS))
"""The three lines that begin a tune, in this order, and what each may say."""

FIELD = r"[A-Zmrsw]:(?![|:])"
"""What begins a field within a tune. A note letter before a repeat is none: `e:` and `G:|` are notes."""

MOST_BARS = 99
"""Bars of rest that one Z may stand for."""


def normalised(abc: str) -> str:
    """A tune as `M:`, `L:` and `K:` lines and a body of notes, rests, ties, tuplets and bars.

    Idempotent. Of a tune of several voices (`V:`) it is the first.
    """
    fields = {"M": "", "L": "", "K": ""}
    lines = [re.sub(r"(?<!\\)%.*", "", line).strip() for line in abc.splitlines()]
    start = len(lines)
    for i, line in enumerate(lines):
        if line[:2] in ("M:", "L:", "K:"):
            fields[line[0]] = line[2:].strip()
        if line.startswith("K:"):
            start = i + 1
            break
    metre = _metre(fields["M"]) or "4/4"
    unit = _unit(fields["L"]) or _default_unit(metre)
    head = f"M:{metre}\nL:{unit}\nK:{_key(fields['K']) or 'C'}\n"
    return head + "\n".join(_body(lines[start:], metre, unit))


def _metre(text: str) -> str:
    text = text.replace(" ", "")
    return text if text in METRES else ""


def _unit(text: str) -> str:
    text = text.replace(" ", "")
    return text if text in UNITS else ""


def beats(metre: str) -> tuple[int, int]:
    """Beats and beat unit of a metre as ABC writes it."""
    if metre.startswith("C"):
        return (2, 2) if metre == "C|" else (4, 4)
    number, _, unit = metre.partition("/")
    return int(number), int(unit)


def _default_unit(metre: str) -> str:
    """ABC's rule for tunes without L: a sixteenth in metres below 3/4, else an eighth."""
    value = Fraction(1) if metre.startswith("C") else Fraction(metre)
    return "1/16" if value < Fraction(3, 4) else "1/8"


def _key(text: str) -> str:
    found = re.match(r"\s*([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not found:
        return "D" if text.strip() == "Hp" else ""
    tonic, sign, mode = found.groups()
    mode = mode.lower()[:3]
    short = {"maj": "", "ion": "", "min": "m", "aeo": "m", "m": "m"}.get(mode, mode)
    return tonic + sign + (short if short in MODES else "")


def _body(lines: Sequence[str], metre: str, unit: str) -> Iterator[str]:
    """The lines of a tune behind its head: a change of key, metre or unit within the tune has a line of its own."""
    first = voice = ""
    for whole in lines:
        # A field may stand in the middle of a line, such as [M:3/4].
        for line in re.sub(rf"\[({FIELD}[^\]]*)\]", r"\n\1\n", whole).split("\n"):
            field = re.match(rf"({FIELD})(.*)", line)
            if field is None:
                spelt = _music(line, Fraction(*beats(metre)) / Fraction(unit)) if voice == first else ""
                if spelt:
                    yield spelt
                continue
            name, value = field[1][0], field[2].strip()
            if name == "V":
                voice = (value.split() or [""])[0]
                first = first or voice
            kept = {"K": _key, "M": _metre, "L": _unit}.get(name, lambda _: "")(value)
            metre, unit = (kept or metre if name == "M" else metre), (kept or unit if name == "L" else unit)
            if kept and voice == first:
                yield f"{name}:{kept}"


def _music(line: str, units_a_bar: Fraction) -> str:
    """One line of notes in the one spelling. Lyrics, parts, decorations, grace notes and slurs are not in it."""
    line = re.sub(r'"[^"]*"|\{[^}]*\}|![^! |]*!|\+[^+ |]*\+', "", line)
    line = re.sub(r"y\d*", "", line)
    line = re.sub(
        r"[ZX](\d*)", lambda rest: "|".join([f"z{units_a_bar}"] * min(int(rest[1] or 1), MOST_BARS)), line
    )
    line = line.replace("x", "z")  # an invisible rest lasts as long; music21 would pass it over
    line = re.sub(r"\((?!\d)|\)", "", line)
    line = re.sub(r"[^A-Ga-gz0-9^_=,'/\[\]()|:<> -]", "", line)
    # A tie within a chord is written behind it: only equal pitches are joined.
    line = re.sub(
        r"\[([A-Ga-g^_=,'0-9/-]*-[A-Ga-g^_=,'0-9/-]*)\]([0-9/]*)-?",
        lambda chord: f"[{chord[1].replace('-', '')}]{chord[2]}-",
        line,
    )
    # music21 misses a broken rhythm beside a tie, and keeps an accidental that has no note for a later one.
    line = re.sub(r"-?([<>]+)-?", r"\1", line)
    line = re.sub(r"[\^_=]+[0-9/]*(?![\^_=A-Ga-g])", "", line)
    # music21 takes 3// for a whole quarter.
    line = re.sub(r"(?<=[0-9])//+", lambda halves: f"/{2 ** len(halves[0])}", line)
    # music21 takes a capital before a colon for a field, and the rest of the line with it.
    line = re.sub(r"(?<=[A-G]):(?!\|)", " :", line)
    return re.sub(r" +", " ", line).strip()


def grace_notes(abc: str) -> int:
    """How many grace notes a tune's body writes, in braces; the one spelling has none of them."""
    _, _, body = re.sub(r"(?m)(?<!\\)%.*", "", abc).partition("\nK:")
    text = re.sub(r'"[^"]*"', "", body)
    return sum(len(re.findall(r"[A-Ga-g]", group)) for group in re.findall(r"\{([^}]*)\}", text))
