"""`generate`: melodies of a trained model as MIDI files."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.errors import SettingError
from musicexp.wording import count, length


def main(words: Sequence[str]) -> int:
    """Write the melodies and say what they are."""
    if not words or "--help" in words or "-h" in words:
        from musicexp.cli.settings_help import generate_help

        if not words:
            raise SettingError(
                "generate wants a run: its id, its name, or `last`, as in `python -m musicexp generate last`"
            )
        print(generate_help())
        return 0
    if "=" in words[0]:
        raise SettingError(
            f"generate wants a run before {words[0]}: its id, its name, or `last`, as in `python -m musicexp generate last {words[0]}`"
        )
    from musicexp.api import generate_melodies
    from musicexp.render.performance import PLAYER

    found = generate_melodies(words[0], list(words[1:]))
    for path, melody in found.melodies:
        ended = "came to an end" if melody.ended_by == "eos" else "was cut"
        print(
            f"{path}  {melody.drawn}: {count(len(melody.piece), 'note')}, {length(melody.piece.quarters)}, {ended}"
        )
    for remark in found.remarks:
        print(f"render   {remark}")
    if PLAYER in found.others:
        print(f"listen   {found.folder / PLAYER}")
    return 0
