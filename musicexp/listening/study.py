"""A study begun, or gone on with: the same runs with the same settings are the same study."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence

from musicexp.config import Render
from musicexp.errors import RunError, SettingError
from musicexp.listening.clips import (
    Cut,
    Drawing,
    Source,
    check_different,
    check_enough,
    clip_of,
    cut_of,
    drawing_of,
    melodies_of,
    written,
)
from musicexp.listening.design import Presentation, design, draws_wanted, pairs_of, repeats_of
from musicexp.listening.settings import NO_PART_OF_IT, VOTES_A_PAIR, Listening
from musicexp.listening.votes import Part, Study, Votes
from musicexp.music import Piece, midi_bytes
from musicexp.render.sound import Sound, sound_of
from musicexp.wording import count

Say = Callable[[str], None]


def study_id(runs: Sequence[str], settings: Listening) -> str:
    """What names a study: the runs in any order, and every setting that changes what is heard."""
    values = {k: v for k, v in dataclasses.asdict(settings).items() if k not in NO_PART_OF_IT}
    told = json.dumps([sorted(runs), values], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def sound_for(settings: Listening) -> Sound:
    """What every clip is played with.

    Raises:
        SettingError: the SoundFont is not there or cannot be played.
    """
    try:
        return sound_of(
            Render(
                audio=True,
                soundfont=settings.soundfont,
                program=settings.program,
                score=False,
                pictures=False,
            )
        )
    except SettingError as error:
        raise SettingError(str(error).removeprefix("render.")) from error


def open_study(votes: Votes, sources: Sequence[Source], settings: Listening, say: Say) -> Study:
    """The study of these runs and settings, begun if it was not; more `votes` than it had begin another part of it.

    Args:
        sources: different runs, two to four.
        say: is told what takes a while.

    Raises:
        SettingError: fewer votes are asked for than the study was begun with.
        RunError: the study is not done yet, so its number of votes stays; or a run has nothing to hear.
    """
    name = study_id([source.run.id for source in sources], settings)
    found = votes.study(name)
    if found is None:
        _begin(votes, name, sources, settings, say)
    elif settings.votes is not None and settings.votes != found.votes:
        _go_beyond(votes, found, in_order(found, sources), settings, settings.votes, say)
    study = votes.study(name)
    assert study is not None
    return study


def known_study(votes: Votes, sources: Sequence[Source], settings: Listening) -> Study:
    """The study of these runs and settings, which must have been begun.

    Raises:
        RunError: it was not.
    """
    found = votes.study(study_id([source.run.id for source in sources], settings))
    if found is None:
        raise RunError(
            f"no study of {_named(sources)} with these settings was begun in {votes.path}; leave out --result to begin one"
        )
    return found


def in_order(study: Study, sources: Sequence[Source]) -> list[Source]:
    """The runs in the order that the study counts them by."""
    by_id = {source.run.id: source for source in sources}
    return [by_id[run] for run in study.runs]


def cut_in(study: Study) -> Cut:
    """Where the study's clips end."""
    return Cut(**study.facts["cut"])


def missing_words(study: Study, standing: int) -> str:
    """How many votes are missing, for people."""
    return f"{count(study.last - standing, 'vote is', 'votes are')} missing of {study.last}"


def _begin(votes: Votes, name: str, sources: Sequence[Source], settings: Listening, say: Say) -> None:
    wanted = settings.votes or VOTES_A_PAIR * len(pairs_of(len(sources)))
    drawing = drawing_of(sources, settings.temperature)
    shown = _designed(sources, drawing, wanted, settings, part=1, begin=1, used=set())
    melodies = _melodies(sources, drawing, shown, say)
    cut = cut_of([piece for one in melodies for piece in one.values()], settings.seconds, settings.tempo)
    facts = {
        "settings": {k: v for k, v in dataclasses.asdict(settings).items() if k not in NO_PART_OF_IT},
        "temperature": drawing.temperature,
        "cut": dataclasses.asdict(cut),
    }
    ids = [source.run.id for source in sources]
    votes.begin(name, ids, facts, Part(1, wanted), shown, _as_midi(melodies, cut))


def _go_beyond(
    votes: Votes, study: Study, sources: Sequence[Source], settings: Listening, wanted: int, say: Say
) -> None:
    standing = votes.standing(study.id)
    if wanted < study.votes:
        raise SettingError(
            f"votes={wanted}: this study was begun with {study.votes}, and the number is fixed; leave votes out, or take another seed= for a new study"
        )
    if standing.revealed < study.last:
        raise RunError(
            f"votes={wanted}: this study was begun with {study.votes}, and the number is fixed until its result is there ({missing_words(study, len(standing.answers))}); leave votes out to go on"
        )
    drawing = drawing_of(sources, study.facts["temperature"])
    part = len(study.parts) + 1
    shown = _designed(
        sources,
        drawing,
        wanted - study.votes,
        settings,
        part=part,
        begin=study.last + 1,
        used={p.draw for p in study.presentations},
    )
    melodies = _melodies(sources, drawing, shown, say)
    votes.add_part(study.id, Part(part, wanted - study.votes), shown, _as_midi(melodies, cut_in(study)))


def _designed(
    sources: Sequence[Source],
    drawing: Drawing,
    votes: int,
    settings: Listening,
    *,
    part: int,
    begin: int,
    used: set[int],
) -> list[Presentation]:
    """The presentations of a part, from melodies that no earlier part had: any that all runs wrote, or else further draws."""
    needed = draws_wanted(len(sources), votes)
    free = [draw for draw in range(1, _there(sources, drawing) + 1) if draw not in used]
    draw = max(used, default=0)
    while len(free) < needed:
        draw += 1
        if draw not in used and draw not in free:
            free.append(draw)
    check_enough(sources, drawing, max(free) if len(free) == needed else 0)
    repeats = repeats_of(votes, settings.repeats)
    return design(len(sources), votes, repeats, free, settings.seed, part, begin)


def _there(sources: Sequence[Source], drawing: Drawing) -> int:
    return min(written(source, drawing) for source in sources)


def _melodies(
    sources: Sequence[Source], drawing: Drawing, shown: Sequence[Presentation], say: Say
) -> list[dict[int, Piece]]:
    draws = sorted({p.draw for p in shown})
    if draws[-1] > _there(sources, drawing):
        say(
            f"drawing {count(len(draws), 'melody', 'melodies')} of each run at temperature {drawing.temperature:g} ..."
        )
    if not drawing.own:
        say(
            f"(not all runs sampled so by themselves: every melody is drawn anew, with the sampling settings of {sources[0].name})"
        )
    melodies = [melodies_of(source, drawing, draws) for source in sources]
    check_different(sources, melodies)
    return melodies


def _as_midi(melodies: Sequence[dict[int, Piece]], cut: Cut) -> dict[tuple[int, int], bytes]:
    return {
        (run, draw): midi_bytes(clip_of(piece, cut))
        for run, pieces in enumerate(melodies)
        for draw, piece in pieces.items()
    }


def _named(sources: Sequence[Source]) -> str:
    return " and ".join(source.name for source in sources)
