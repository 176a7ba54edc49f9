"""Transposed ABC: a tune in the one spelling, higher or lower, in the one spelling again.

Keys go to the signature with the fewest accidentals; every note moves by as many letters as its tonic, and its
accidental stays as far from the signature as it was. Where that cannot be written, as with a third sharp, or where
a bar's earlier accidentals would say something else, the note says for itself what it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from musicexp.music import signatures

SCALE = "CDEFGAB"
NATURALS = (0, 2, 4, 5, 7, 9, 11)
"""Semitones of SCALE above C."""
ABC_MODES = {
    "": "major",
    "m": "minor",
    "mix": "mixolydian",
    "dor": "dorian",
    "phr": "phrygian",
    "lyd": "lydian",
}
ACCIDENTALS = {"=": 0, "^": 1, "^^": 2, "^^^": 3, "^^^^": 4, "_": -1, "__": -2, "___": -3, "____": -4}
MOST = 2
"""Sharps or flats that a note may have here."""
LOWEST_OCTAVE = -1
"""Five commas; C is of octave 4."""

_NOTE = r"(?P<accidental>[\^_=]*)(?P<letter>[A-Ga-g])(?P<after>[,'0-9/]*)"
# Bar lines before chords, as the reader has them.
_UNIT = re.compile(
    rf"(?P<tuplet>\(\d(?::\d?(?::\d?)?)?)|(?P<bar>\|\]|\[\||\[[12]|[|:])|\[(?P<chord>[^\]]*)(?P<closed>\]?)|{_NOTE}"
)
_MEMBER = re.compile(_NOTE)


def transposed(abc: str, semitones: int) -> str:
    """A tune in the one spelling of `music.abc`, so many semitones higher.

    Raises:
        ValueError: a pitch leaves 0-127, or the tune has what the reader takes for something else: a
            Locrian key, a tonic of F flat or B sharp, mixed accidentals, a chord without its end.
    """
    if semitones == 0:
        return abc
    walk = _Walk(semitones)
    return "\n".join(walk.line(line) for line in abc.split("\n"))


@dataclass
class _Walk:
    """Goes through a tune and knows what the signature and the bar make of each letter, before and after."""

    semitones: int
    before: int = 0  # signatures
    after: int = 0
    letters: int = 0  # that notes move up by
    was: dict[str, int] = field(default_factory=dict)  # letter -> alteration so far in this bar
    now: dict[str, int | None] = field(
        default_factory=dict
    )  # the same in the new tune; None where readers differ

    def line(self, line: str) -> str:
        if line.startswith("K:"):
            return f"K:{self._key(line[2:])}"
        if line[1:2] == ":" and line[0] in "ML":
            return line
        return _UNIT.sub(self._unit, line)

    def _key(self, key: str) -> str:
        found = re.fullmatch(r"([A-G])([#b]?)([a-z]*)", key)
        if found is None or found[3] not in ABC_MODES or found[1] + found[2] in ("Fb", "B#"):
            raise ValueError(f"K:{key} cannot be transposed")
        alteration = {"": 0, "#": 1, "b": -1}[found[2]]
        mode = signatures.MODES[ABC_MODES[found[3]]]
        self.before = signatures.place(found[1], alteration) + mode
        self.after = signatures.transposed_signature(self.before, self.semitones)
        letter, sharps = signatures.tonic(self.after - mode)
        steps = SCALE.index(letter) - SCALE.index(found[1])
        rise = NATURALS[SCALE.index(letter)] + sharps - NATURALS[SCALE.index(found[1])] - alteration
        self.letters = steps + 7 * ((self.semitones - rise) // 12)
        return letter + {0: "", 1: "#", -1: "b"}[sharps] + found[3]

    def _unit(self, unit: re.Match[str]) -> str:
        if unit["bar"]:
            self.was, self.now = {}, {}
        elif unit["letter"]:
            moved = self._note(unit, self.was, self.now)
            # A capital before a colon begins a field.
            field = re.match(r":[^|]", unit.string[unit.end() :] + "\n")
            return moved + " " if field and moved[-1].isupper() else moved
        elif unit["chord"] is not None:
            if not unit["closed"]:
                raise ValueError("a chord without its end cannot be transposed")
            # The reader lets accidentals in a chord count for their own notes only.
            return "[" + _MEMBER.sub(lambda note: self._note(note, {}, {}), unit["chord"]) + "]"
        return unit[0]

    def _note(self, note: re.Match[str], was: dict[str, int], now: dict[str, int | None]) -> str:
        sign, name, after = note["accidental"], note["letter"], note["after"]
        letter = name.upper()
        if sign and sign not in ACCIDENTALS:
            raise ValueError(f"the note {note[0]} has mixed accidentals and cannot be transposed")
        alteration = (
            ACCIDENTALS[sign] if sign else was.get(letter, signatures.alteration(letter, self.before))
        )
        if sign:
            # The reader remembers one sharp or flat too few of several.
            was[letter] = ACCIDENTALS[sign[: max(1, len(sign) - 1)]]
        octave = (4 if name.isupper() else 5) + after.count("'") - after.count(",")
        step = 7 * octave + SCALE.index(letter)
        pitch = _natural(step) + alteration
        if not (0 <= pitch <= 127 and 0 <= pitch + self.semitones <= 127):
            raise ValueError(
                f"the note {note[0]} cannot be transposed by {self.semitones}: MIDI has no such pitch"
            )
        return self._written(step + self.letters, pitch + self.semitones, bool(sign), now) + re.sub(
            "[,']", "", after
        )

    def _written(self, step: int, pitch: int, signed: bool, now: dict[str, int | None]) -> str:
        """A note's accidental, letter and octave; on the nearest letter on which it can be written."""
        legal = [
            other
            for other in (step, step + 1, step - 1, step + 2, step - 2, step + 3, step - 3)
            if abs(pitch - _natural(other)) <= MOST and other >= 7 * LOWEST_OCTAVE
        ]
        step = legal[0]
        letter, octave = SCALE[step % 7], step // 7
        alteration = pitch - _natural(step)
        sign = ""
        if signed or now.get(letter, signatures.alteration(letter, self.after)) != alteration:
            sign = next(text for text, value in ACCIDENTALS.items() if value == alteration)
            now[letter] = alteration if len(sign) == 1 else None
        name = letter if octave <= 4 else letter.lower()
        return sign + name + "," * (4 - octave) + "'" * (octave - 5)


def _natural(step: int) -> int:
    """The pitch of a letter without accidental, by its place in the scale: 28 is C of octave 4."""
    return 12 * (step // 7 + 1) + NATURALS[step % 7]
