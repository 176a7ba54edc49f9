"""What is heard and seen of pieces: an Ogg file for each, their scores, and one page that plays all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from musicexp.config import Render
from musicexp.errors import SettingError
from musicexp.render.player import PlayerPiece, player_page
from musicexp.render.score import score_svg
from musicexp.render.sound import piece_ogg, sound_of

PLAYER, SCORE = "player.html", "score.svg"
HEARD = ("samples", "reference")
"""Groups whose pieces have Ogg files and scores; clips are many and short, and the page plays them."""
MOST_OGGS = 64
"""Beyond that rendering takes longer than anybody listens; the page plays the others too."""
MOST_SCORES = 64


def performance(
    title: str, entries: Sequence[PlayerPiece], settings: Render
) -> tuple[dict[str, bytes], list[str]]:
    """Files by name, as settings ask for them: ID.ogg of each sample and reference, score.svg of the samples, player.html.

    Args:
        title: what is played, such as the run's name.
        entries: a piece's id is its file's name without its suffix.

    Returns:
        The files, and a sentence for everything that was wanted and is not there.

    Raises:
        SettingError: the SoundFont is not there or cannot be played.
    """
    files: dict[str, bytes] = {}
    remarks: list[str] = []
    if settings.score:
        try:
            files, entries = _engraved(entries)
        except SettingError as hint:  # few have Verovio, and a run is a run without it
            remarks.append(str(hint))
    if not settings.audio or not entries:
        return files, remarks
    sound = sound_of(settings)
    lasting = [entry for entry in entries if entry.group in HEARD]
    files |= {f"{entry.id}.ogg": piece_ogg(entry.piece, sound) for entry in lasting[:MOST_OGGS]}
    if len(lasting) > MOST_OGGS:
        remarks.append(
            f"the first {MOST_OGGS} of {len(lasting):,} pieces have an Ogg file; {PLAYER} plays more of them"
        )
    files[PLAYER] = player_page(title, entries, sound)
    return files, remarks


def _engraved(entries: Sequence[PlayerPiece]) -> tuple[dict[str, bytes], list[PlayerPiece]]:
    """score.svg of the samples, and the entries with scores of their own.

    Raises:
        SettingError: Verovio is not installed.
    """
    samples = [(entry.title, entry.piece) for entry in entries if entry.group == "samples"][:MOST_SCORES]
    files = {SCORE: score_svg(samples)} if samples else {}
    first = [entry.id for entry in entries if entry.group in HEARD][:MOST_SCORES]
    return files, [
        dataclasses.replace(entry, score=score_svg([(entry.title, entry.piece)]))
        if entry.id in first
        else entry
        for entry in entries
    ]
