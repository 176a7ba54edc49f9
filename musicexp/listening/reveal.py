"""What is shown, and written on the runs, when the last vote is in: names, settings, losses, which clip was which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from musicexp.config import Config, fields_of
from musicexp.listening.clips import Source
from musicexp.listening.result import (
    Result,
    interval,
    p_words,
    percent,
    result_of,
    result_words,
)
from musicexp.listening.statistics import Share
from musicexp.listening.study import cut_in
from musicexp.listening.votes import Answer, Standing, Study
from musicexp.report.html import visible
from musicexp.tracking import MemoryRun, MlflowRun

PREFIX = "listening/"
FIGURES = {
    "bits_per_note/val": "bits per note, validation",
    "bits_per_note/test": "bits per note, test",
    "nll_nats/val": "nats per token, validation",
    "nll_nats/test": "nats per token, test",
}
"""Metrics of a run that are shown beside what the ear said."""


def names_of(sources: Sequence[Source]) -> list[str]:
    """What the runs are called in words: their names, and the beginning of the id where two are called alike."""
    names = [visible(source.run.name) for source in sources]
    return [
        f"{name} ({source.run.id[:8]})" if names.count(name) > 1 else name
        for name, source in zip(names, sources, strict=True)
    ]


def differing(sources: Sequence[Source]) -> list[tuple[str, list[str]]]:
    """The settings in which the runs differ, each with its value in every run; those that change no result are left out."""
    flat = [source.config.flat() for source in sources]
    names = [dotted for dotted, f in fields_of(Config) if f.metadata["changes_result"]]
    return [
        (dotted, [str(values[dotted]) for values in flat])
        for dotted in names
        if len({str(values[dotted]) for values in flat}) > 1
    ]


def revealed(
    study: Study, standing: Standing, sources: Sequence[Source], figures: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """Everything about a study that is over, as plain values for the page.

    Args:
        sources: in the study's order.
        figures: of each run, the metrics of `FIGURES` that it has.
    """
    result, names = result_of(study, standing.answers), names_of(sources)
    headline, behind, *further = result_words(result, names)
    cut = cut_in(study)
    return {
        "names": names,
        "headline": headline,
        "lead": behind,
        "words": further,
        "shares": _shares(result, names),
        "runs": [
            {
                "name": name,
                "id": source.run.id,
                "figures": {label: figure.get(key) for key, label in FIGURES.items()},
            }
            for name, source, figure in zip(names, sources, figures, strict=True)
        ],
        "settings": [{"name": name, "values": values} for name, values in differing(sources)],
        "how": {
            "votes": study.votes,
            "temperature": study.facts["temperature"],
            "tempo": cut.tempo,
            "seconds": cut.seconds,
            "seed": study.facts["settings"]["seed"],
        },
        "heard": [_heard(study, number, answer, names) for number, answer in standing.answers.items()],
    }


def _shares(result: Result, names: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each run, from the most to the least preferred: what the picture of the result shows."""
    found = []
    for run in result.ranking:
        one = result.runs[run]
        share = one.chance or one.share
        found.append({"name": names[run], "ties": one.ties} | _share(share, one.wins, one.losses))
    return found


def _share(share: Share, wins: int, losses: int) -> dict[str, Any]:
    known = share.share == share.share
    return {
        "share": share.share if known else None,
        "low": share.low,
        "high": share.high,
        "wins": wins,
        "votes": wins + losses,
    }


def _heard(study: Study, number: int, answer: Answer, names: Sequence[str]) -> dict[str, Any]:
    shown = study.presentations[number - 1]
    return {
        "number": number,
        "a": names[shown.a],
        "b": names[shown.b],
        "draw": shown.draw,
        "answer": answer,
        "repeats": shown.repeats,
    }


def figures_of(run: MlflowRun | MemoryRun) -> dict[str, float]:
    """The metrics of `FIGURES` that a run has, as they were logged last."""
    curves = {key: run.curve(key) for key in FIGURES}
    return {key: curve[-1][1] for key, curve in curves.items() if curve}


def write_on_runs(study: Study, standing: Standing, runs: Sequence[MlflowRun | MemoryRun]) -> None:
    """Write what the ear said on every run: metrics listening/..., and a tag with the words.

    A run that was in several studies has a point of each metric for each; what stands already is not written again.

    Args:
        runs: in the study's order.

    Raises:
        StoreError: the store refuses.
    """
    result = result_of(study, standing.answers)
    names = [visible(run.name) for run in runs]
    for k, run in enumerate(runs):
        tag = f"{PREFIX}{study.id}"
        told = _tag(result, k, names)
        if run.tags.get(tag) == told:
            continue
        one = result.runs[k]
        known = {
            "votes": one.wins + one.losses,
            "ties": one.ties,
            "low": one.share.low,
            "high": one.share.high,
        }
        if one.wins + one.losses:
            known["preferred"] = one.share.share
        if one.strength is not None:
            known["strength"] = one.strength
        if len(runs) == 2:
            known["p"] = result.pairs[0].p
        last = run.curve(f"{PREFIX}votes")
        run.log_metrics(
            {PREFIX + key: float(value) for key, value in known.items()}, last[-1][0] + 1 if last else 1
        )
        run.flush()
        # Last, since it says that all of it is there.
        run.set_tags({tag: told, f"{PREFIX}against": ", ".join(r.id for r in runs if r is not run)})


def _tag(result: Result, k: int, names: Sequence[str]) -> str:
    one = result.runs[k]
    others = ", ".join(name for other, name in enumerate(names) if other != k)
    decided = one.wins + one.losses
    if not decided:
        return f"against {others}: {one.ties} votes, all 'no difference'; one listener"
    p = f"; {p_words(result.pairs[0].p)}" if len(names) == 2 else ""
    return (
        f"preferred to {others} in {one.wins} of {decided} votes ({percent(one.share.share)}, 95 % interval {interval(one.share)}{p}), "
        f"{one.ties} 'no difference'; one listener"
    )


def result_lines(told: Mapping[str, Any]) -> list[str]:
    """The result for a terminal."""
    lines = [told["headline"], *([told["lead"]] if told["lead"] else []), "", *told["words"], ""]
    for row in told["settings"]:
        values = ", ".join(f"{n}: {v}" for n, v in zip(told["names"], row["values"], strict=True))
        lines.append(f"{row['name']}  {visible(values)}")
    for run in told["runs"]:
        figures = ", ".join(
            f"{value:.4f} {key}" for key, value in run["figures"].items() if value is not None
        )
        lines.append(f"{run['name']} ({run['id'][:8]})  {figures or 'no losses logged'}")
    return lines
