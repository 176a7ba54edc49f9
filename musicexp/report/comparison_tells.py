"""What statistics say on a comparison's page: seeds in pairs, smoothness, loss and music, and what to train next."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.render.axes import MINUS, numeric
from musicexp.render.figure_style import PLOT_STYLE
from musicexp.render.intervals import Row, interval_rows
from musicexp.report.comparison import Comparison, Group, Spread
from musicexp.report.comparison_table import SMOOTH, Figure
from musicexp.report.figure_names import heading
from musicexp.report.findings import Beside, LossAndMusic, Luck, MissingRuns, PairedFigure
from musicexp.report.findings_words import MOST_COMMANDS, answer, compares, shown_figures
from musicexp.report.html import Html, joined, name, table, tag, visible
from musicexp.report.lowest import bounds
from musicexp.report.settings_beside import FIGURE
from musicexp.report.study_facts import figure, interval
from musicexp.wording import count, sentence

TELLS_STYLE = f"""{PLOT_STYLE}
#tells h3{{margin-top:1.8rem}}#tells h3:first-child{{margin-top:.6rem}}.forest{{max-width:40rem;margin:.8rem 0 0}}.forest figcaption small{{display:block;font-weight:400;color:var(--soft)}}
#tells td.word{{min-width:15rem}}.answer{{max-width:60rem;padding-left:1.1rem;margin:.5rem 0}}.answer li{{margin:.25rem 0}}
.commands{{margin:.5rem 0;padding:.7rem 1rem;background:var(--tint);border-radius:8px;overflow-x:auto;font-size:.86rem;line-height:1.6;user-select:all}}
@media (max-width:34rem){{.forest .label{{font-size:15px}}}}
"""
NO_TELLING = (
    "One configuration alone: nothing is compared. Others beside it, trained with the same seeds, can be."
)


def tells_section(found: Comparison) -> Html:
    """Everything that is more than one run's figure."""
    told = found.findings
    parts = [*_pairs(found), *_smooth(found), *_means(found.groups), *_music(told.loss_and_music), *_luck(told.luck), *_missing(told.missing)]  # fmt: skip
    return joined(parts) if parts else tag("p", NO_TELLING, class_="empty")


# ---------------------------------------------------------------------------------------------------
# Seeds in pairs


def _pairs(found: Comparison) -> list[Html]:
    pairs = found.findings.beside
    if not pairs:
        return []
    intro = (
        "Seed k of one configuration beside seed k of another: they share the chance that a seed brings, so their "
        "difference has less of it. Ranges are 95 % intervals (Student's t)."
    )
    parts = [tag("h3", "Seed by seed"), tag("p", intro, class_="note"), _forest(pairs)]
    parts += [tag("p", f"{sentence(words)}.", class_="note") for words in found.findings.beside_words]
    for number, pair in enumerate(pairs):
        title = f"{pair.labels[0]} beside {pair.labels[1]}"
        best = pair.figures.get(FIGURE)
        lead = (
            f"{title}: {best.words}"
            if best
            else f"{title}: {pair.words[0] if pair.words else 'no figure in common'}"
        )
        parts.append(tag("details", tag("summary", name(lead)), _one_pair(title, pair), **({"open": "open"} if not number else {})))  # fmt: skip
    return parts


def _one_pair(title: str, pair: Beside) -> Html:
    words = joined(tag("p", f"{sentence(one)}.", class_="note") for one in pair.words)
    names = shown_figures([pair])
    plain = [pair.figures[one] for one in names if not one.startswith("music/")]
    music = [pair.figures[one] for one in names if one.startswith("music/")]
    parts = [words]
    if plain:
        parts.append(_figures(f"{title}, {count(len(pair.seeds), 'pair')}", plain))
    if music:
        parts.append(tag("details", tag("summary", f"{count(len(music), 'metric')} of the samples"), _figures(f"{title}: samples", music)))  # fmt: skip
    return joined(parts)


def _figures(caption: str, found: Sequence[PairedFigure]) -> Html:
    rows = [
        [
            heading(one.figure),
            one.words,
            str(one.pairs),
            figure(one.mean),
            interval(one.low, one.high) if one.low is not None and one.high is not None else "",
        ]
        for one in found
    ]
    return table(caption, ["Figure", "In words", ">Pairs", ">Mean difference", ">95 % interval"], rows)


def _forest(pairs: Sequence[Beside]) -> Html:
    """Differences of bits per note, a point a seed."""
    known = [(pair, one) for pair in pairs if (one := pair.figures.get(FIGURE)) and one.low is not None]
    rows, values = [], [0.0]
    for pair, one in known:
        assert one.low is not None
        assert one.high is not None
        values += [one.low, one.high, *one.differences]
        label = f"{pair.first + 1} less {pair.second + 1}"
        rows.append(Row(label, one.mean, one.low, one.high, f"{pair.labels[0]} less {pair.labels[1]}: {one.words}", one.differences))  # fmt: skip
    if not rows:
        return Html("")
    axis = numeric(values, "difference in bits per note")
    told = "; ".join(f"{pair.labels[0]} less {pair.labels[1]}: {one.words}" for pair, one in known)
    shown = sorted({k for pair, _ in known for k in (pair.first, pair.second)})
    labels = {
        k: label for pair, _ in known for k, label in zip((pair.first, pair.second), pair.labels, strict=True)
    }
    key = joined((joined([tag("b", str(k + 1)), " ", name(labels[k])]) for k in shown), ", ")
    drawn = interval_rows(rows, axis, f"Differences of {heading(FIGURE)}, seed by seed: {told}.", bars=False)
    return tag(
        "figure",
        tag(
            "figcaption",
            "Bits per note of validation, seed by seed",
            tag("small", key, "; pale points: single seeds"),
        ),
        Html(drawn),
        class_="forest",
    )


# ---------------------------------------------------------------------------------------------------
# Smoothness


def _smooth(found: Comparison) -> list[Html]:
    shown = [one for one in SMOOTH if any(one.name in group.figures for group in found.groups)]
    words = found.findings.curves
    if not shown and not words:
        return []
    parts = [tag("h3", "How smooth the curves are")]
    if shown:
        rows = [[visible(group.label), *(_mean(group, one) for one in shown)] for group in found.groups]
        parts.append(table("Mean of the seeds, with 95 % interval", ["Configuration", *(f">{one.heading}" for one in shown)], rows))  # fmt: skip
    parts += [tag("p", f"{sentence(one)}.", class_="note") for one in words]
    return parts


def _mean(group: Group, one: Figure) -> str:
    """A share with its interval, whose low end is no less than a share can be."""
    spread = group.figures.get(one.name)
    if spread is None:
        return ""
    if spread.low is None or spread.high is None:
        return one.shown(spread.mean)
    return f"{one.shown(spread.mean)} ({one.shown(max(0.0, spread.low))} to {one.shown(spread.high)})"


# ---------------------------------------------------------------------------------------------------
# Loss and music, luck, and what is missing


def _means(groups: Sequence[Group]) -> list[Html]:
    """What was measured of the samples: the mean over each configuration's seeds."""
    names = dict.fromkeys(one for group in groups for one in group.figures if one.startswith("music/"))
    shown = [one for one in names if not compares(one)]
    if not shown:
        return []
    rows = [[heading(one), *(_spread(group.figures.get(one)) for group in groups)] for one in shown]
    heads = ["Metric", *(f">{visible(group.label)}" for group in groups)]
    whole = table("Means over the seeds, with 95 % intervals", heads, rows)
    return [
        tag(
            "details",
            tag("summary", f"{count(len(shown), 'metric')} of the samples, by configuration"),
            whole,
        )
    ]


def _spread(found: Spread | None) -> str:
    if found is None:
        return ""
    ends = f" ({interval(found.low, found.high)})" if found.low is not None and found.high is not None else ""
    return f"{figure(found.mean)}{ends}"


def _music(found: LossAndMusic) -> list[Html]:
    if not found.words:
        return []
    lines = tag("ul", *(tag("li", f"{sentence(words)}.") for words in answer(found)), class_="answer")
    parts = [tag("h3", "Does lower loss mean better music here?"), lines]
    if found.relations:
        rows = [
            [
                heading(one.metric),
                str(one.count),
                f"{one.correlation:.2f}".replace("-", MINUS),
                _ends(one.low, one.high),
            ]
            for one in found.relations
        ]
        note = f"Rank correlation of bits per note with |AUC {MINUS} .5|, how surely samples are told from real pieces: 0 is not at all. Above 0, lower loss goes with music nearer to real pieces."  # fmt: skip
        whole = joined([tag("p", note, class_="note"), table("Every metric", ["Metric", ">n", ">Rank correlation", ">95 % interval"], rows)])  # fmt: skip
        parts.append(tag("details", tag("summary", f"{count(len(rows), 'metric')}, one by one"), whole))
    return parts


def _ends(low: float | None, high: float | None) -> str:
    return f"{low:.2f} to {high:.2f}".replace("-", MINUS) if low is not None and high is not None else ""


def _luck(found: Sequence[Luck]) -> list[Html]:
    if not found:
        return []
    parts = [tag("h3", "What the best of several seeds owes to luck")]
    for one in found:
        rows = [
            [str(step.n), figure(step.expected), figure(step.median), bounds(step)] for step in one.lowest
        ]
        heads = ["Seeds", ">Lowest, on average", ">Half of the time below", ">95 % interval of that"]
        parts += [
            tag("p", f"{one.words}.", class_="note"),
            table(f"{one.label}: {heading(FIGURE)}", heads, rows),
        ]
    return parts


def _missing(found: MissingRuns) -> list[Html]:
    if not found.words and not found.commands and not found.more_seeds:
        return []
    parts = [tag("h3", "What would tell more")]
    parts += [tag("p", f"{sentence(words)}.", class_="note") for words in found.words]
    if found.commands:
        parts.append(_commands(found.commands))
    if found.more_seeds:
        parts.append(
            tag("p", "So that every configuration has the same seeds, three at least:", class_="note")
        )
        parts.append(_commands(found.more_seeds))
    return parts


def _commands(commands: Sequence[str]) -> Html:
    lines = "\n".join(visible(command) for command in commands[:MOST_COMMANDS])
    more = len(commands) - MOST_COMMANDS
    shown = tag("pre", Html(joined(lines.split("\n"), "\n")), class_="commands", tabindex="0")
    return joined([shown, tag("p", f"And {count(more, 'more command')}; compare --json tells all.", class_="note")]) if more > 0 else shown  # fmt: skip
