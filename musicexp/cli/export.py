"""`export`: a run as a folder that anybody can open."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.wording import count

HELP = """python -m musicexp export RUN DIR [references=true]

Writes a run as a folder that anybody can open without musicexp: index.html to begin with, the player, sounds, MIDI,
score, pictures, settings, figures as CSV, and the weights. RUN is a run's id, its name, or `last`; DIR is a folder that
is not there yet. A run that has lost files is written without them, and says so.

Settings:
  references=true
      whether real pieces of the data set go along, which may be somebody's property (true or false)
  tracking.uri, tracking.experiment
      where the run is looked for, as in `run`

Examples:
  python -m musicexp export last for-anna
  python -m musicexp export baseline published references=false"""


def main(words: Sequence[str]) -> int:
    """Write the folder and say what is in it."""
    if "--help" in words or "-h" in words:
        print(HELP)
        return 0
    from musicexp.api import export_words
    from musicexp.report.html import visible

    written = export_words(words)
    for sentence in written.missing:
        print(f"gap      {visible(sentence)}")
    print(f"written  {count(len(written.files), 'file')} in {written.folder}")
    print(f"open     {written.folder / 'index.html'}")
    return 0
