"""`evaluate`: any folder of music beside any corpus."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from musicexp.cli.flags import JSON, without_json
from musicexp.wording import count

REFERENCE = "reference"
HELP = """python -m musicexp evaluate DIR reference=DIR|COLLECTION [out=DIR] [--json]

Judges a folder of music (MIDI, ABC, MusicXML, Humdrum), whoever or whatever made it, beside the music of a reference:
what is copied from it and where, whether anything is broken (one note, a loop, silence), and for every metric how the
set stands beside real pieces. No metric is better when it is higher, and there is no total.

Settings:
  reference
      a folder of music, a data set such as ryans, or a collection that music21 carries, such as airdsAirs
  out=evaluated/NAME
      where music.html, to look at and to hear, and music.json go: a folder that does not hold them yet

Flags:
  --json     print the values of every piece, by name of the metric, and nothing else; files only with out=DIR

Examples:
  python -m musicexp generate last count=64 out=melodies
  python -m musicexp evaluate melodies reference=ryans
  python -m musicexp evaluate melodies reference=my/tunes --json > values.json"""


def main(words: Sequence[str]) -> int:
    """Judge, say how it stands, and leave a page; with --json print the values and nothing else."""
    if "--help" in words or "-h" in words:
        print(HELP)
        return 0
    # The one setting that other tools write with dashes, so that it is understood here too.
    wanted = without_json(
        [word.removeprefix("--") if word.startswith(f"--{REFERENCE}=") else word for word in words]
    )
    from musicexp.api import evaluate_folder
    from musicexp.report import Terminal

    if JSON in words:
        import json

        evaluation, place = evaluate_folder(wanted, Terminal(sys.stderr), written="if asked for")
        print(json.dumps(evaluation.as_dict()))
    else:
        from musicexp.report.judged_lines import judged_lines

        evaluation, place = evaluate_folder(wanted, Terminal())
        for line in judged_lines(evaluation.judgement):
            print(line)
    for what, why in evaluation.rejected:
        print(f"left out {what}: {why}", file=sys.stderr)
    if place is not None and JSON not in words:
        print(f"judged   {count(len(evaluation.judgement.sets[0].names), 'piece')}")
        print(f"open     {place / 'music.html'}")
    return 0
