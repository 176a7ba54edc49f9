"""`listen` from its words to the end: runs found, study opened, clips rendered, page served, result told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from musicexp.errors import RunError, SettingError, StoreError
from musicexp.imports import importing
from musicexp.listening.clips import Source, source_of
from musicexp.listening.reveal import figures_of, result_lines, revealed, write_on_runs
from musicexp.listening.settings import Listening, check_number
from musicexp.listening.study import Say, cut_in, in_order, known_study, missing_words, open_study, sound_for
from musicexp.listening.votes import Standing, Study, Votes, votes_path
from musicexp.loopback import bound
from musicexp.report.html import visible
from musicexp.tracking import MlflowRun, open_store, store_uri
from musicexp.wording import count

SECONDS_TO_DECIDE = 8.0
"""For a vote, beside hearing both clips: what the time that is told is reckoned with."""

CLIPS_A_LINE = 20


@dataclass(frozen=True)
class Found:
    """The runs of a study, and where they and the votes lie."""

    uri: str
    sources: list[Source]
    runs: dict[str, MlflowRun]


def find_runs(references: Sequence[str], uri: str | None, experiment: str) -> Found:
    """The runs that are named.

    Raises:
        MusicexpError: too few or too many, one twice, one that is not there or has no settings.
    """
    check_number(len(references))
    place = store_uri(uri)
    store = open_store(place, experiment, create=False)
    runs: dict[str, MlflowRun] = {}
    for reference in references:
        run = store.find(reference)
        if run.id in runs:
            raise SettingError(
                f"run {visible(run.name)} ({run.id[:8]}) is named twice; listen wants two to four different runs"
            )
        runs[run.id] = run
    return Found(place, [source_of(run, place) for run in runs.values()], runs)


def listen(found: Found, settings: Listening, say: Say) -> None:
    """Begin the study or go on with it, until Ctrl-C.

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    from musicexp.listening.serve import FIRST_PORT, serve
    from musicexp.listening.server import Session
    from musicexp.listening.sounds import Sounds

    sound = sound_for(settings)
    listening = bound(settings.port, FIRST_PORT)
    with listening:
        votes = Votes(votes_path(found.uri))
        with importing():
            study = open_study(votes, found.sources, settings, say)
        standing = votes.standing(study.id)
        sounds = Sounds(votes.clips(study.id), sound, cut_in(study))
        coming = (
            study.presentations[max(0, len(standing.answers) - 1) :] if standing.revealed < study.last else ()
        )
        clips = [(run, p.draw) for p in coming for run in (p.a, p.b)]
        sounds.prepare(clips, lambda ready, of: _told_now_and_then(ready, of, say))
        for line in _introduction(study, standing, found.sources, votes):
            say(line)

        def reveal(standing: Standing) -> dict[str, Any]:
            return told_result(found, study, standing)

        session = Session(study, votes, sounds, cut_in(study).seconds, reveal)
        serve(
            session,
            listening,
            lambda address: say(f"\n  {address}\n\nCtrl-C ends it"),
            open_page=settings.open,
        )
        left = votes.standing(study.id)
        say(
            "\nthe result is on the runs; the same command shows it again"
            if left.revealed == study.last
            else f"\nthe study goes on with the same command ({missing_words(study, len(left.answers))})"
        )
        votes.close()


def show_result(found: Found, settings: Listening) -> list[str]:
    """The result in lines for a terminal.

    Raises:
        RunError: the study was not begun, or votes are missing.
    """
    votes = Votes(votes_path(found.uri))
    study = known_study(votes, found.sources, settings)
    standing = votes.standing(study.id)
    if len(standing.answers) < study.last:
        raise RunError(
            f"{missing_words(study, len(standing.answers))}: there is no result before the number that was fixed at the start; go on with the same command without --result"
        )
    if standing.revealed < study.last:
        votes.reveal(study, f"terminal-{study.last}")
        standing = votes.standing(study.id)
    lines = result_lines(told := told_result(found, study, standing))
    return [*lines, *([told["remark"]] if told["remark"] else [])]


def told_result(found: Found, study: Study, standing: Standing) -> dict[str, Any]:
    """Everything about a study that is over, written on its runs too; a remark says where that could not be done."""
    sources = in_order(study, found.sources)
    runs = [found.runs[source.run.id] for source in sources]
    told = revealed(study, standing, sources, [figures_of(run) for run in runs])
    try:
        write_on_runs(study, standing, runs)
    except StoreError as error:
        return told | {
            "remark": f"The result is not on the runs yet ({error}); the same command tries again."
        }
    return told | {"remark": ""}


def _told_now_and_then(ready: int, of: int, say: Say) -> None:
    if ready == of or ready % CLIPS_A_LINE == 0:
        say(f"rendering clips  {ready:,}/{of:,}")


def _introduction(study: Study, standing: Standing, sources: Sequence[Source], votes: Votes) -> list[str]:
    names = " and ".join(source.name for source in sources)
    left = study.last - len(standing.answers)
    repeats = study.last - study.votes
    whole = f"{count(study.votes, 'vote')}" + (f" and {count(repeats, 'repeat')}" if repeats else "")
    lines = [f"listening to {names}, blind: {whole}, kept in {votes.path}"]
    if standing.revealed == study.last:
        return [*lines, "all votes are in, and the page shows the result"]
    if not left:
        return [*lines, "all votes are in; the page shows the result when it is asked for"]
    minutes = max(1, round(left * (2 * cut_in(study).seconds + SECONDS_TO_DECIDE) / 60))
    gone = f"{len(standing.answers)} are in, " if standing.answers else ""
    return [*lines, f"{gone}{left} to go, about {minutes} min; headphones help"]
