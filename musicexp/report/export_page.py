"""What a person finds first in an exported run: index.html, README.txt and LICENCE.txt."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import musicexp
from musicexp.config import compose, word
from musicexp.errors import MusicError
from musicexp.music.collections import collection
from musicexp.report.comparison import ComparedRun
from musicexp.report.comparison_table import BITS, NATS, OTHERS
from musicexp.report.html import Html, joined, name, table, tag, text, visible
from musicexp.report.page_style import STYLE
from musicexp.report.study_facts import figure, setting
from musicexp.wording import count, length

PAGE, README, LICENCE = "index.html", "README.txt", "LICENCE.txt"
MEANINGS = (
    (r"index\.html", "the page to begin with: figures, melodies, pictures and settings of the run"),
    (r"README\.txt", "this text"),
    (r"LICENCE\.txt", "whose the music is"),
    (r"player\.html", "every melody with its piano roll and a moving cursor, in one page that needs no network"),
    (r"sample_\d+\.ogg", "a melody of the model as sound (Ogg Vorbis)"),
    (r"sample_\d+\.mid", "a melody of the model as notes (MIDI): opens in any sequencer or notation program"),
    (r"reference_\d+\..*", "a real piece of the data that the model learned from or was judged on, for comparison"),
    (r"score.*\.svg", "the melodies as a score"),
    (r"roll\.png", "the melodies as piano rolls"),
    (r"loss\.png", "loss while the model learned, with the baselines as lines"),
    (r"learning/.*", "melodies that were drawn while the model learned"),
    (r"images/.*", "pictures of melodies that were drawn while the model learned"),
    (r"curves\.csv", "training and validation loss in nats per token, by iteration, tokens seen and seconds"),
    (r"metrics\.csv", "every value that was logged"),
    (r"summary\.json", "the figures at the end, and what each melody was drawn with"),
    (r"config\.yaml", "every setting of the run"),
    (r"vocabulary\.json", "the tokens that the model knows, in order: row k of the weights is token k"),
    (r"weights\.pt", "the model's weights: torch.load('weights.pt') gives a state_dict, of an LSTM with torch.nn.LSTM's names"),
    (r"checkpoint\.ckpt", "everything that musicexp needs to draw more melodies or to go on training"),
    (r"diff\.patch", "what was changed in musicexp's own code, beside its git commit, when the run was made"),
    (r"rejected\.csv", "files of the data set that could not be used, and why"),
    (r"log\.txt", "what the run said while it went"),
)  # fmt: skip
HOW_TO_READ = (
    "Bits per note say how hard real pieces that the model has never seen are to foretell for it, nats per token the "
    "same for each of its own tokens: less is better. The baselines only count how often tokens follow each other."
)
PICTURES = {"loss.png": "Loss", "roll.png": "Piano rolls", "score.svg": "Score"}
ELSEWHERE = ("name", "experiment", "resume", "tracking.uri", "tracking.experiment", "tracking.system_metrics")
"""Settings that say where and under which name a run was kept."""
EXTRA = """
th{min-width:8.5rem}
audio{width:100%;min-width:12rem;height:2.2rem}
.player{width:100%;height:34rem;border:1px solid var(--line);border-radius:8px;background:var(--card)}
.sheet-of{max-height:44rem;overflow:auto}
.picture{width:100%;height:auto;background:#fff;border:1px solid var(--line);border-radius:8px}
"""


def meaning(file: str) -> str:
    """What a file of the folder is; "" of one that nobody knows."""
    return next((told for pattern, told in MEANINGS if re.fullmatch(pattern, file)), "")


# ---------------------------------------------------------------------------------------------------
# The page


def export_page(run: ComparedRun, files: Sequence[str], missing: Sequence[str]) -> str:
    """The page as HTML. It links to the files beside it and holds no script.

    Args:
        files: names in the folder.
        missing: sentences about what the run does not have, beside its own.
    """
    sections = [
        ("Melodies", _melodies(run, files)),
        ("Real pieces", _references(run, files)),
        *((title, _picture(file, title)) for file, title in PICTURES.items() if file in files),
        ("Figures", _figures(run)),
        ("Settings", _settings(run)),
        ("Files", _files(files)),
    ]
    body = joined(tag("section", tag("h2", title), content) for title, content in sections if content)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(run.name)} · a run of musicexp</title>\n<style>{STYLE}{EXTRA}</style></head>\n"
        f"<body><div class=wide>\n{_header(run, missing)}\n<main>{body}</main>\n{_footer(run)}</div></body></html>\n"
    )


def _header(run: ComparedRun, missing: Sequence[str]) -> Html:
    tiles = [
        (one.heading, one.shown(run.figures[one.name]))
        for one in (*BITS, *OTHERS)
        if one.name in run.figures and one.name != "best_iteration"
    ]
    told = [*run.missing, *missing]
    data = run.settings.get("dataset.name")
    return tag(
        "header",
        tag("h1", name(run.name)),
        tag("p", f"A model that learned from {visible(data)}" if data else "A model of music", f", {_when(run)}. Run ", tag("code", run.id), ".", class_="lead"),
        tag("p", run.note, class_="lead") if run.note else "",
        tag("dl", *(tag("div", tag("dt", what), tag("dd", value)) for what, value in tiles), class_="tiles") if tiles else "",
        tag("div", tag("h3", "What is not here"), tag("ul", *(tag("li", line) for line in told)), class_="remarks") if told else "",
    )  # fmt: skip


def _when(run: ComparedRun) -> str:
    return f"trained {run.started[:10]}" if run.started else "trained some day"


def _melodies(run: ComparedRun, files: Sequence[str]) -> Html:
    if not run.samples:
        return tag("p", "The run left no melodies.", class_="note")
    rows = [
        (
            _link(sample.file, sample.file in files),
            _sound(sample.file, files),
            "" if sample.temperature is None else f"{sample.temperature:g}",
            "" if sample.notes is None else f"{sample.notes:,}",
            "" if sample.quarters is None else length(sample.quarters),
            {"eos": "came to an end", "length": "was cut"}.get(sample.ended_by, ""),
        )
        for sample in run.samples
    ]
    head = ["melody", "sound", ">temperature", ">notes", ">length", "ended"]
    player = Html("")
    if "player.html" in files:
        player = joined(
            [
                tag("p", tag("a", "Open the player", href="player.html"), " in a page of its own."),
                tag("iframe", src="player.html", title="Player", class_="player", loading="lazy"),
            ]
        )
    return joined([player, table("Melodies that the model drew", head, rows)])


def _references(run: ComparedRun, files: Sequence[str]) -> Html:
    rows = [
        (
            _link(reference.file, True),
            _sound(reference.file, files),
            name(reference.title),
            {"train": "learned from", "val": "held out", "test": "held out"}.get(
                str(reference.facts.get("side")), ""
            ),
            "" if reference.piece is None else f"{len(reference.piece):,}",
        )
        for reference in run.references
        if reference.file in files
    ]
    head = ["piece", "sound", "title", "the model", ">notes"]
    return table("Real pieces of the data, to know what good sounds like", head, rows) if rows else Html("")


def _sound(file: str, files: Sequence[str]) -> Html:
    file = file.removesuffix(".mid") + ".ogg"
    if file not in files:
        return text("no sound")
    return tag("audio", "", controls="", preload="none", src=_address(file), aria_label=f"Play {file}")


def _picture(file: str, title: str) -> Html:
    image = f'<img class="picture" src="{_address(file)}" alt="{text(title)}" loading="lazy">'
    return tag("div", tag("a", Html(image), href=_address(file)), class_="sheet-of")


def _figures(run: ComparedRun) -> Html:
    rows = [
        (one.heading, one.shown(run.figures[one.name]))
        for one in (*BITS, *NATS, *OTHERS)
        if one.name in run.figures
    ]
    rows += [
        (f"baseline {visible(name)}, nats/token validation", figure(value))
        for name, value in run.baselines.items()
    ]
    if not rows:
        return Html("")
    return joined([tag("p", HOW_TO_READ, class_="note"), table("Figures", ["figure", ">value"], rows)])


def _settings(run: ComparedRun) -> Html:
    rows = [(tag("code", name), setting(value)) for name, value in run.settings.items()]
    if not rows:
        return Html("")
    return tag(
        "details",
        tag("summary", count(len(rows), "setting")),
        table("Settings", ["setting", "value"], rows),
    )


def _files(files: Sequence[str]) -> Html:
    rows = [(_link(file, True), meaning(file)) for file in _in_short(files) if file != PAGE]
    return table("What lies beside this page", ["file", "what it is"], rows)


def _in_short(files: Sequence[str]) -> list[str]:
    """In order, and folders as one, such as images/."""
    return sorted({file.partition("/")[0] + "/" if "/" in file else file for file in files})


def _link(file: str, there: bool) -> Html:
    return tag("a", name(file), href=_address(file)) if there else name(file)


def _address(file: str) -> str:
    """A file beside the page as an address, whatever its name: it never means another place."""
    return "./" + quote(file)


def _footer(run: ComparedRun) -> Html:
    code = run.code.get("commit", "")
    made = f"Written by musicexp {musicexp.__version__}"
    return tag("footer", tag("p", made, f"; the run was made with commit {code}." if code else "."))


# ---------------------------------------------------------------------------------------------------
# The texts


def readme_text(run: ComparedRun, files: Sequence[str], missing: Sequence[str]) -> str:
    """README.txt: what is what, and how to go on."""
    lines = [
        f"{visible(run.name)}: a model that writes music, trained with musicexp ({_when(run)}, run {run.id})",
        "",
        "Open index.html in a browser; nothing has to be installed.",
        "",
    ]
    known = {file: meaning(file) for file in _in_short(files)}
    width = max(len(visible(file)) for file in known)
    lines += [f"  {visible(file):{width}}  {told}".rstrip() for file, told in sorted(known.items())]
    told = [*run.missing, *missing]
    if told:
        lines += ["", "What is not here:", *(f"  {visible(line)}" for line in told)]
    if run.settings:
        lines += ["", "To train it again:", f"  {visible(again(run))}"]
    return "\n".join(lines) + "\n"


def again(run: ComparedRun) -> str:
    """The `run` command with every setting that is not as usual today."""
    usual = compose([]).flat()
    words = [
        assignment(name, value)
        for name, value in run.settings.items()
        if name in usual and value != usual[name] and name not in ELSEWHERE
    ]
    return " ".join(["python -m musicexp run", *map(shlex.quote, words)])


def assignment(name: str, value: Any) -> str:
    """`setting=value` as the command line reads it back."""
    if value is None:
        return f"{name}=null"
    if isinstance(value, list):
        return f"{name}=[{','.join(str(one) for one in value)}]"
    return word(name, value)


def licence_text(run: ComparedRun, references: bool) -> str:
    """LICENCE.txt: whose the music is, as far as anybody knows."""
    source = run.settings.get("dataset.collection")
    where = (
        f"the collection {source} that music21 carries" if source else "a folder of the person who trained it"
    )
    lines = [f"The model learned from {visible(where)}."]
    if source:
        try:
            card = collection(str(source))
            lines += [f"{card.title}: {card.source}.", f"It is {card.licence}."]
            lines += [f"Note: {card.warning}."] if card.warning else []
        except MusicError:
            lines.append("Nothing is known here of its licence.")
    lines += [
        "",
        "sample_*: melodies that the model drew. They may repeat some of the music that it learned from.",
    ]
    if references:
        lines.append(
            "reference_*, and pieces called so in player.html: real pieces of that music. They may be somebody's property: "
            "ask before you pass them on, or write the folder again with references=false."
        )
    else:
        lines.append("Real pieces of that music were left out (references=false).")
    return "\n".join(lines) + "\n"
