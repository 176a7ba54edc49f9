"""ABC notation in one spelling: what of a tune sounds, and nothing else.

music21 10.5 misreads what decorates: a fermata `HG3` loses the note, an accent `">"` becomes a broken
rhythm. So a tune is put into this spelling before it is read; the same text is what `tokens=abc` learns.
"""

from __future__ import annotations

import re
from fractions import Fraction

LETTERS = "CDEFGABcdefgab"
METRES = ("C", "C|", *(f"{beats}/{unit}" for beats in range(1, 25) for unit in (1, 2, 4, 8, 16)))
UNITS = tuple(f"1/{unit}" for unit in (1, 2, 4, 8, 16, 32))
MODES = ("", "m", "mix", "dor", "phr", "lyd", "loc")
KEYS = tuple(tonic + sign + mode for tonic in "ABCDEFG" for sign in ("", "#", "b") for mode in MODES)
HEAD = (("M:", METRES), ("L:", UNITS), ("K:", KEYS))
"""The three lines that begin a tune, in this order, and what each may say."""


def normalised(abc: str) -> str:
    """A tune as `M:`, `L:` and `K:` lines and a body of notes, rests, ties, tuplets and bars."""
    fields = {"M": "", "L": "", "K": ""}
    lines = [re.sub(r"(?<!\\)%.*", "", line).strip() for line in abc.splitlines()]
    start = len(lines)
    for i, line in enumerate(lines):
        if line[:2] in ("M:", "L:", "K:"):
            fields[line[0]] = line[2:].strip()
        if line.startswith("K:"):
            start = i + 1
            break
    metre = _metre(fields["M"])
    unit = fields["L"].replace(" ", "") if fields["L"].replace(" ", "") in UNITS else _default_unit(metre)
    body = [line for line in (_body_line(line) for line in lines[start:]) if line]
    return f"M:{metre}\nL:{unit}\nK:{_key(fields['K'])}\n" + "\n".join(body)


def _metre(text: str) -> str:
    text = text.replace(" ", "")
    return text if text in METRES else "4/4"


def _default_unit(metre: str) -> str:
    """ABC's rule for tunes without L: a sixteenth in metres below 3/4, else an eighth."""
    value = Fraction(1) if metre.startswith("C") else Fraction(metre)
    return "1/16" if value < Fraction(3, 4) else "1/8"


def _key(text: str) -> str:
    found = re.match(r"\s*([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not found:
        return "C"
    tonic, sign, mode = found.groups()
    mode = mode.lower()[:3]
    short = {"maj": "", "ion": "", "min": "m", "aeo": "m", "m": "m"}.get(mode, mode)
    return tonic + sign + (short if short in MODES else "")


def _body_line(line: str) -> str:
    field = re.match(r"([A-Za-z]):(.*)", line)
    if field:  # a change of key, metre or unit within the tune counts; lyrics, parts and notes do not
        name, value = field[1], field[2].strip()
        kept = {"K": _key(value), "M": _metre(value), "L": value.replace(" ", "")}.get(name)
        return f"{name}:{kept}" if kept else ""
    line = re.sub(r'"[^"]*"|\{[^}]*\}|![^!]*!|\+[^+]*\+|\[[A-Z]:[^\]]*\]', "", line)
    line = re.sub(r"\((?!\d)|\)", "", line)
    line = re.sub(r"[^A-Ga-gxz0-9^_=,'/\[\]()|:<> -]", "", line)
    return re.sub(r" +", " ", line).strip()


def grace_notes(abc: str) -> int:
    """How many grace notes a tune's body writes, in braces; the one spelling has none of them."""
    text = re.sub(r'"[^"]*"', "", abc)
    return sum(len(re.findall(r"[A-Ga-g]", group)) for group in re.findall(r"\{([^}]*)\}", text))
