"""Notation as MusicXML 4, which Verovio, MuseScore and music21 read: a quarter is 24 divisions, so steps are whole.

A written note's id is n, the index of the piece's note, and, of those tied behind it, a number: n12, n12-1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import groupby

from musicexp.music.beams import Head, Item
from musicexp.music.notation import Notation, WrittenStaff
from musicexp.music.piece import STEPS_PER_QUARTER

TYPES = ("64th", "32nd", "16th", "eighth", "quarter", "half", "whole", "breve")
ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
LONGEST_NAME = 24
HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">'
)


def musicxml(notation: Notation) -> str:
    """The notation as a document of MusicXML."""
    parts = [list(group) for _, group in groupby(notation.staves, key=lambda staff: staff.number)]
    ids: Counter[int] = Counter()
    named = len(parts) > 1
    listed = "".join(
        _listed(number, staves[0].name if named else "") for number, staves in enumerate(parts, 1)
    )
    group = ('<part-group type="start" number="1"><group-symbol>bracket</group-symbol><group-barline>yes</group-barline></part-group>', '<part-group type="stop" number="1"/>') if len(parts) > 1 else ("", "")  # fmt: skip
    music = "".join(
        f'<part id="P{number}">{"".join(_measures(notation, staves, ids))}</part>'
        for number, staves in enumerate(parts, 1)
    )
    return f'{HEADER}<score-partwise version="4.0"><part-list>{group[0]}{listed}{group[1]}</part-list>{music}</score-partwise>'


def _listed(number: int, called: str) -> str:
    name = "".join(c for c in called if c.isprintable()).strip()
    shown = escape(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…")
    hidden = "" if shown else ' print-object="no"'
    return f'<score-part id="P{number}"><part-name{hidden}>{shown}</part-name></score-part>'


def _measures(notation: Notation, staves: list[WrittenStaff], ids: Counter[int]) -> Iterator[str]:
    numbers = _numbers(notation)
    for i, bar in enumerate(notation.bars):
        found = [_attributes(notation, staves)] if i == 0 else []
        begun = False
        for place, staff in enumerate(staves):
            for voice, items in enumerate(staff.bars[i]):
                if not items:
                    continue
                if begun:
                    found.append(f"<backup><duration>{bar.end - bar.begin}</duration></backup>")
                begun = True
                tags = f"<voice>{4 * place + voice + 1}</voice>", f"<staff>{place + 1}</staff>" if len(staves) > 1 else ""  # fmt: skip
                stem = ("up", "down")[voice] if len(staff.bars[i]) > 1 and staff.bars[i][1] else ""
                found += (_item(item, tags, stem, ids) for item in items)
        if i == len(notation.bars) - 1 and not notation.left_out_bars:
            found.append('<barline location="right"><bar-style>light-heavy</bar-style></barline>')
        irregular = ' implicit="yes"' if bar.end - bar.begin != notation.metre.steps else ""
        yield f'<measure number="{numbers[i]}"{irregular}>{"".join(found)}</measure>'


def _numbers(notation: Notation) -> list[int]:
    """The bars' numbers: an upbeat is 0, and a bar that makes a whole one with the bar before it has none of its own."""
    found: list[int] = []
    before = 0
    for i, bar in enumerate(notation.bars):
        length = bar.end - bar.begin
        completes = length < notation.metre.steps and before + length == notation.metre.steps
        upbeat = notation.upbeat and not i
        found.append(0 if upbeat else (found[-1] if found else 0) + (not completes or i == 1))
        before = 0 if completes else length
    return found


def _attributes(notation: Notation, staves: list[WrittenStaff]) -> str:
    several = len(staves) > 1
    clefs = ""
    for number, staff in enumerate(staves, 1):
        octave = f"<clef-octave-change>{staff.clef.octave}</clef-octave-change>" if staff.clef.octave else ""
        which = f' number="{number}"' if several else ""
        clefs += f"<clef{which}><sign>{staff.clef.sign}</sign><line>{staff.clef.line}</line>{octave}</clef>"
    count = f"<staves>{len(staves)}</staves>" if several else ""
    return (
        f"<attributes><divisions>{STEPS_PER_QUARTER}</divisions><key><fifths>{notation.signature}</fifths></key>"
        f"<time><beats>{notation.metre.beats}</beats><beat-type>{notation.metre.unit}</beat-type></time>"
        f"{count}{clefs}</attributes>"
    )


def _item(item: Item, tags: tuple[str, str], stem: str, ids: Counter[int]) -> str:
    """One item as one element <note> a head, or as a rest."""
    voice, staff = tags
    duration = f"<duration>{item.length}</duration>"
    value, notations = _value(item), _bracket(item) + "<fermata/>" * item.fermata
    if not item.heads:
        hidden = "" if item.shown else ' print-object="no"'
        rest = "<rest/>" if item.units else '<rest measure="yes"/>'
        return f"<note{hidden}>{rest}{duration}{voice}{value}{staff}{_notations(notations)}</note>"
    found = []
    for number, head in enumerate(item.heads):
        beam = f'<beam number="1">{item.beam}</beam>' if item.beam and not number else ""
        chord = "<chord/>" if number else ""
        sounds = "".join(f'<tie type="{kind}"/>' for kind in _ties(head))
        ties = "".join(f'<tied type="{kind}"/>' for kind in _ties(head))
        accidental = f"<accidental>{ACCIDENTALS[head.spelling.alteration]}</accidental>" if head.accidental else ""  # fmt: skip
        before, dotted, modified = value.partition("<time-modification>")
        direction = f"<stem>{stem}</stem>" if stem and item.units < 64 else ""
        found.append(
            f'<note id="{_id(head.note, ids)}">{chord}{_pitch(head)}{duration}{sounds}{voice}{before}{accidental}'
            f"{dotted}{modified}{direction}{staff}{beam}{_notations(ties + ('' if number else notations))}</note>"
        )
    return "".join(found)


def _id(note: int, ids: Counter[int]) -> str:
    ids[note] += 1
    return f"n{note}" if ids[note] == 1 else f"n{note}-{ids[note] - 1}"


def _pitch(head: Head) -> str:
    letter, alteration, octave = head.spelling
    alter = f"<alter>{alteration}</alter>" if alteration else ""
    return f"<pitch><step>{letter}</step>{alter}<octave>{octave}</octave></pitch>"


def _ties(head: Head) -> Iterator[str]:
    if head.tied_before:
        yield "stop"
    if head.tied_behind:
        yield "start"


def _value(item: Item) -> str:
    """Type, dots and ratio; nothing for the rest of a whole bar."""
    if not item.units:
        return ""
    dotted = item.units & (item.units - 1) > 0
    plain = item.units * 2 // 3 if dotted else item.units
    name = TYPES[plain.bit_length() - 1]
    ratio = ""
    if item.ratio:
        actual, normal = item.ratio
        ratio = f"<time-modification><actual-notes>{actual}</actual-notes><normal-notes>{normal}</normal-notes></time-modification>"
    return f"<type>{name}</type>{'<dot/>' * dotted}{ratio}"


def _bracket(item: Item) -> str:
    """The begin or end of a triplet; its bracket is left out where a beam shows it."""
    if item.triplet not in ("begin", "end"):
        return ""
    if item.triplet == "end":
        return '<tuplet type="stop" number="1"/>'
    bracket = "no" if item.beam else "yes"
    return f'<tuplet type="start" number="1" bracket="{bracket}"/>'


def _notations(content: str) -> str:
    return f"<notations>{content}</notations>" if content else ""
