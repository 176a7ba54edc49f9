"""What a judgement's page tells: what is broken, the few lines that tell most, and every metric by its aspect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from musicexp.metrics.auc import Auc
from musicexp.metrics.judgement import Judged, Judgement
from musicexp.metrics.panel import METRICS, Aspect, Metric
from musicexp.render.judged_bands import Mark, band_picture, colour
from musicexp.render.judged_words import auc_words, between, listed, standing, with_interval, written
from musicexp.wording import count, ended

ASPECTS: tuple[tuple[Aspect, str], ...] = (
    ("structure", "Structure"),
    ("rhythm", "Rhythm"),
    ("melody", "Melody"),
    ("tonality", "Tonality"),
    ("harmony", "Harmony"),
)
"""Behind novelty, which gates the rest: structure and rhythm first, where such models fail."""
TELLING = ("repeated_4grams", "groove")
"""Metrics at the top of the page: those on which a plain LSTM is known to fail."""
MOST_NAMES = 12


def short_table(judgement: Judgement) -> str:
    """The lines that tell most, a column for each set: what is seen in a small frame."""
    rows = []
    if any(judged.faults for judged in judgement.sets):
        rows.append(_short_row("broken", "", (_broken(judged) for judged in judgement.sets)))
    rows.append(_short_row("copies", "", (_copies(judged) for judged in judgement.sets)))
    for name in TELLING:
        stands = [judged.stands.get(name) for judged in judgement.sets]
        real = next((stand.real_mean.mean for stand in stands if stand), math.nan)
        cells = (
            f"{escape(standing(stand))} <small>{written(stand.mean.mean)}, AUC {auc_words(stand.auc).split(' ')[0]}</small>" if stand else ""
            for stand in stands
        )  # fmt: skip
        rows.append(_short_row(METRICS[name].title, f"real {written(real)}", cells))
    heads = "".join(
        f'<th scope="col" class="{colour(k)}">{set_name(judged)}</th>'
        for k, judged in enumerate(judgement.sets)
    )
    nearest = judgement.heat and f"<p>Nearest to the corpus: temperature {judgement.heat.nearest:g}.</p>"
    return (
        '<div class="scroll short" role="region" tabindex="0" aria-label="In short"><table>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>{nearest or ''}</div>"
    )


def _short_row(head: str, more: str, cells: Iterable[str]) -> str:
    told = f" <small>{escape(more)}</small>" if more else ""
    return (
        f'<tr><th scope="row">{escape(head)}{told}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    )


def _broken(judged: Judged) -> str:
    pieces = {piece for fault in judged.faults for piece in fault.pieces}
    return f"{len(pieces):,} of {count(len(judged.names), 'piece')}" if pieces else "none"


def _copies(judged: Judged) -> str:
    return f"in {judged.copied:,} of {count(len(judged.names), 'piece')}" if judged.copied else "none"


def set_name(judged: Judged) -> str:
    """A set as HTML: its short name, isolated, since it may be a folder's."""
    return f"<bdi>{escape(judged.key)}</bdi>"


def faults_section(judgement: Judgement) -> str:
    """Degenerate pieces in words, with the likely cause and what to try; "" if there are none."""
    lines = []
    for number, judged in enumerate(judgement.sets):
        for fault in judged.faults:
            names = listed([judged.names[piece] for piece in fault.pieces], MOST_NAMES)
            lines.append(
                f'<li><b class="{colour(number)} name">{set_name(judged)}</b> {_ended(fault.words)} {_ended(fault.cause)} '
                f"{_ended(fault.advice)} <small>{count(len(fault.pieces), 'piece')} of {len(judged.names):,}: <bdi>{escape(names)}</bdi></small></li>"
            )
    if not lines:
        return ""
    return f'<section id="broken" class="remarks" aria-labelledby="broken-heading"><h2 id="broken-heading">Broken pieces</h2><ul>{"".join(lines)}</ul></section>'


def _ended(words: str) -> str:
    """As a sentence of its own."""
    return escape(ended(words.strip()))


def aspect_section(judgement: Judgement, aspect: Aspect, heading: str) -> str:
    """Every metric of an aspect that has a value; "" if none has."""
    chosen = [metric for metric in METRICS.values() if metric.aspect == aspect]
    told = [metric for metric in chosen if _marks(judgement, metric)]
    if not told:
        return ""
    absent = [metric.title for metric in chosen if metric not in told]
    rest = f'<p class="note">No piece has a value of: {escape(", ".join(absent))}.</p>' if absent else ""
    rows = "".join(_metric(judgement, metric) for metric in told)
    return (
        f'<section id="{aspect}" aria-labelledby="{aspect}-heading"><h2 id="{aspect}-heading">{escape(heading)}</h2>'
        f"{rows}{rest}{_distances(judgement, told)}</section>"
    )


def metric_rows(judgement: Judgement, aspect: Aspect) -> str:
    """The metrics of an aspect without a heading, with their distances."""
    told = [metric for metric in METRICS.values() if metric.aspect == aspect and _marks(judgement, metric)]
    return "".join(_metric(judgement, metric) for metric in told) + (
        _distances(judgement, told) if told else ""
    )


def _marks(judgement: Judgement, metric: Metric) -> list[Mark]:
    return [
        Mark(judged.key, colour(number), judged.stands[metric.name])
        for number, judged in enumerate(judgement.sets)
        if metric.name in judged.stands
    ]


def _pieces(judgement: Judgement, metric: Metric) -> list[int]:
    """How many pieces the sets have that stand in a metric's row."""
    return [len(judged.names) for judged in judgement.sets if metric.name in judged.stands]


def _metric(judgement: Judgement, metric: Metric) -> str:
    marks = _marks(judgement, metric)
    real = marks[0].stand
    unit = f" <small>{escape(metric.unit)}</small>" if metric.unit else ""
    rows = [
        f'<tr class="real"><th scope="row">real</th><td>{_figure(real.real_mean)}</td><td></td>'
        f'<td>{between(*real.oa_null)}</td><td class="word">{_having(real.real, len(judgement.real_names))}</td></tr>'
    ]
    for mark, pieces in zip(marks, _pieces(judgement, metric), strict=True):
        less = _having(mark.stand.generated, pieces)
        rows.append(
            f'<tr><th scope="row" class="{mark.colour} name"><bdi>{escape(mark.label)}</bdi></th>'
            f"<td>{_figure(mark.stand.mean)}</td><td>{_auc(mark.stand.auc)}</td><td>{written(mark.stand.oa)}</td>"
            f'<td class="word">{standing(mark.stand)}{f" <small>{less}</small>" if less else ""}</td></tr>'
        )
    return (
        f'<article class="metric" id="{metric.name}"><div class="asks"><h3>{escape(metric.title)}{unit}</h3>'
        f'<p>{escape(metric.asks)}</p><p class="source">{escape(metric.source)}</p></div>'
        f'<div class="picture">{band_picture(metric.title, marks)}</div>'
        '<div class="scroll" role="region" tabindex="0" aria-label="'
        + escape(f"Figures of {metric.title}")
        + '"><table><thead><tr><td></td><th scope="col">mean</th>'
        '<th scope="col">AUC</th><th scope="col">overlap</th><th scope="col" class="word">in words</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></article>"
    )


def _figure(found: Sequence[float]) -> str:
    """A value, its interval small below it."""
    value, low, high = found
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(value)):
        return written(value)
    return f"{written(value)} <small>{between(low, high)}</small>"


def _auc(found: Auc) -> str:
    value, _, interval = auc_words(found).partition(" ")
    return f"{value} <small>{interval.strip('()')}</small>" if interval else value


def _having(having: int, pieces: int) -> str:
    return "" if having == pieces else f"{having:,} of {count(pieces, 'piece')} have a value"


def _distances(judgement: Judgement, told: Sequence[Metric]) -> str:
    """What few ask for: divergence and transport distance, folded away."""
    rows = []
    for metric in told:
        for mark in _marks(judgement, metric):
            stand = mark.stand
            rows.append(
                f'<tr><th scope="row">{escape(metric.title)}</th><td class="{mark.colour} name"><bdi>{escape(mark.label)}</bdi></td>'
                f"<td>{written(stand.kld)}</td><td>{written(stand.wasserstein)}</td><td>{written(stand.generated_band[2])}</td><td>{written(stand.band[2])}</td>"
                f"<td>{with_interval(*stand.real_mean)}</td></tr>"
            )
    return (
        '<details><summary>Divergence, distance and medians</summary><div class="scroll" role="region" tabindex="0" aria-label="Divergence, distance and medians"><table>'
        '<thead><tr><th scope="col">metric</th><td></td><th scope="col">KLD, nats</th><th scope="col">Wasserstein</th><th scope="col">median</th>'
        f'<th scope="col">real median</th><th scope="col">real mean</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div></details>'
    )
