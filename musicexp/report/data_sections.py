"""The sections of the data page: each takes a description and gives HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from musicexp.render.rolls import bars_shown, pitch_name, roll
from musicexp.report.data_charts import duration_chart, interval_chart, pitch_chart, sounding_chart
from musicexp.report.data_lines import (
    WORD_OF_SIDE,
    causes_of,
    number,
    ratio,
    share,
)
from musicexp.report.description import Description, Example, KeyCount, Loss, Music, Spread
from musicexp.report.html import Html, joined, name, table, tag
from musicexp.wording import count

T = TypeVar("T")

KEYS_SHOWN = 12
METRES_SHOWN = 12
TEMPOS_SHOWN = 12
PARTS_SHOWN = 12
HOW_TO_READ = {
    "notes": "60:24 is middle C for a quarter, 60.64.67:12 a chord for an eighth, r:6 a rest: MIDI pitches, then 1/24 quarters",
    "abc": "one token a character of ABC notation",
    "events": "at:24 is a place in the bar, duration:24 a length, both in 1/24 quarters; pitch:60 is middle C",
    "pitches": "60 is middle C; rests and durations are not written",
    "voice": "1:24:12 is behind one bar line, a quarter into the bar, for an eighth; pitch:60 is middle C; key:9/minor is A minor",
}


def about(found: Description) -> Html:
    """Where the music comes from, and what reading it left out."""
    card, music = found.card, found.music
    facts: list[tuple[str, object]] = [
        ("Source", card.source[:1].upper() + card.source[1:] or joined(["the folder ", tag("code", card.where)])),
        ("Licence", card.licence[:1].upper() + card.licence[1:] or "Yours to know: a folder of one's own has no card"),
        ("Held", f"{count(card.held, 'piece')} as bundled" if card.held is not None else ""),
        ("Read", f"{count(found.files, 'file')}, {count(found.pieces, 'piece')}, {count(found.notes, 'note')}"),
        ("Dropped in reading", f"{count(found.grace_notes, 'grace note')} (without duration), {count(found.doubled, 'doubled note')} (another note has the onset and pitch)"),
        ("Off the grid", f"{count(found.off_grid, 'note')} ({share(found.off_grid, found.notes)}) moved to the grid of 1/24 quarter" if found.off_grid else "No note: all stand on the grid of 1/24 quarter"),
        ("A piece lasts", _spread(music.piece_seconds, " s")),
    ]  # fmt: skip
    return _facts(facts)


def music(found: Description) -> Html:
    """What sounds: pitches, intervals, durations, voices, keys, metres, tempos, free playing."""
    music = found.music
    charts = [
        _figure("Pitches", f"{pitch_name(music.lowest)} to {pitch_name(music.highest)} (MIDI {music.lowest} to {music.highest}); "
                f"a piece spans {_spread(music.ambitus)} semitones", pitch_chart(music)),
        _figure("Intervals", "semitones from note to note within a part; of a chord its highest", interval_chart(music)),
        _figure("Durations", "the commonest, in quarters", duration_chart(music)),
        _figure("Sounding at once", "share of the time with so many notes", sounding_chart(music)),
    ]  # fmt: skip
    free = Html("")
    if music.free.pieces:
        free = table(
            f"Played freely: {count(music.free.pieces, 'piece')}, moved to the grid by {music.free.mean_ms:.0f} ms on average, {music.free.most_ms:.0f} ms at most",
            ["Those moved most", ">Milliseconds on average"],
            [(name(piece), f"{moved:.1f}") for piece, moved in music.free.freest],
        )
    metres = _counted("Metres of the first bar", "Metre", music.metres, METRES_SHOWN)
    parts = _counted("Parts with notes", "Parts", music.parts, PARTS_SHOWN)
    tempos = _counted(
        "First tempos, in quarters a minute", "Tempo", [(f"{t:g}", n) for t, n in music.tempos], TEMPOS_SHOWN
    )
    spread = f"{_spread(music.tempo)}. " if len(music.tempos) > 1 else ""
    told = tag("p", f"{spread}A piece that tells none is taken at 120.", class_="note")
    columns = [tag("div", _keys(music)), tag("div", metres, parts), tag("div", tempos, told)]
    return joined([tag("div", *charts, class_="grid two"), tag("div", *columns, class_="grid"), free])


def _keys(music: Music) -> Html:
    written, analysed = (sum(getattr(key, kind) for key in music.keys) for kind in ("written", "analysed"))
    caption, heads = "Keys, as written", ["Key", ">Pieces"]
    if analysed:
        caption = "Keys, by analysis of the notes"
    if written and analysed:
        caption, heads = "Keys, as written or else by analysis", [*heads, ">Written", ">Analysed"]

    def row(label: str, some: Sequence[KeyCount]) -> tuple[object, ...]:
        sums = [sum(getattr(key, kind) for key in some) for kind in ("pieces", "written", "analysed")]
        return (label, *(f"{amount:,}" for amount in sums[: len(heads) - 1]))

    rows = _first(
        music.keys,
        KEYS_SHOWN,
        lambda key: row(_key_name(key.key), [key]),
        lambda rest: row(f"{len(rest)} more", rest),
    )
    told = "Analysed as Krumhansl and Schmuckler do, with music21's weights. " if analysed else ""
    if music.compared:
        told += f"Of {music.compared:,} written major and minor keys {music.agreeing:,} ({share(music.agreeing, music.compared)}) are what an analysis of the notes finds."
    return joined([table(caption, heads, rows), tag("p", told, class_="note") if told else ""])


def _key_name(key: str) -> str:
    """As musicians write it: music21's B- is B flat."""
    tonic, _, mode = key.partition(" ")
    return f"{tonic.replace('-', '♭').replace('#', '♯')} {mode}"


def examples(found: Description) -> Html:
    """Piano rolls of some pieces of each side."""
    intro = "Some pieces of each side of the split, drawn by their fingerprints: nobody picked them. Numbers count bars; dashed lines are Cs; colours are parts."
    return joined(
        [
            tag("p", intro, class_="note"),
            tag("div", *(_example(e) for e in found.examples), class_="examples"),
        ]
    )


def _example(example: Example) -> Html:
    shown, whole = bars_shown(example.piece)
    piece = example.piece
    told = f"{piece.metre[0]}/{piece.metre[1]}, {count(len(piece), 'note')}, "
    told += count(whole, "bar") if shown == whole else f"bars 1 to {shown} of {whole:,}"
    caption = tag("figcaption", name(example.name), " ", _side(example.side), tag("small", told))
    drawn = tag("div", Html(roll(piece)), class_="rolls", tabindex="0", role="region", aria_label=f"Piano roll of {example.name}")  # fmt: skip
    return tag("figure", caption, drawn)


def tokens(found: Description) -> Html:
    """What a model will read."""
    tokens = found.tokens
    facts: list[tuple[str, object]] = [
        ("Representation", joined([tag("code", f"tokens={tokens.kind}"), HOW_TO_READ.get(tokens.kind, "")], " ")),
        ("Tokens a piece", _spread(tokens.a_piece)),
        ("Vocabulary", f"{tokens.vocabulary:,} tokens; {tokens.once:,} of them occur once" + (f", {tokens.never:,} only in transpositions" if tokens.never else "")),
        ("Replaced", f"{tokens.replaced:,} tokens of held-out pieces that the vocabulary lacks" if tokens.replaced else ""),
    ]  # fmt: skip
    rows = [(_token(token), f"{times:,}", share(times, tokens.total)) for token, times in tokens.commonest]
    counted = tag(
        "p", "Counted without the marks of beginning and end, each piece in its own key.", class_="note"
    )
    words = tag("div", _facts(facts), counted)
    return tag(
        "div",
        words,
        table(f"The {len(rows)} commonest tokens", ["Token", ">Times", ">Share"], rows),
        class_="grid two",
    )


def _token(token: str) -> Html:
    return tag("code", {" ": "blank", "\n": "line end"}.get(token, token))


def split(found: Description) -> Html:
    """Sides and duplicates."""
    rows = [(WORD_OF_SIDE[s.side], f"{s.pieces:,}", share(s.pieces, found.pieces), f"{s.notes:,}", f"{s.tokens:,}") for s in found.sides]  # fmt: skip
    sides = tag(
        "div",
        table("Sides of the split", ["Side", ">Pieces", ">Share", ">Notes", ">Tokens"], rows),
        class_="narrow",
    )
    duplicates = found.duplicates
    if not duplicates.groups:
        return joined(
            [sides, tag("p", "No piece repeats another one, nor shares a run of 15 intervals with it.")]
        )
    held = "Each group stands on one side." if duplicates.kept_together else "split.grouped=false: groups may stand on several sides."  # fmt: skip
    told = f"{duplicates.pieces:,} pieces repeat another one or share a run of 15 intervals with it, in any key: {count(duplicates.groups, 'group')}. {held}"
    groups = joined(
        tag("li", tag("strong", f"{group.size} pieces"),
            tag("ul", *(tag("li", name(piece), " ", _side(side)) for piece, side in group.members),
                tag("li", f"and {group.size - len(group.members):,} more") if group.size > len(group.members) else ""))
        for group in duplicates.largest
    )  # fmt: skip
    return joined(
        [sides, tag("p", told), tag("h3", "The largest groups"), tag("ul", groups, class_="groups")]
    )


def _side(side: str) -> Html:
    return tag("span", WORD_OF_SIDE[side], class_="tag" if side == "train" else "tag held")


def losses(found: Description) -> Html:
    """What comes back of the notes, for every representation."""
    intro = "Each piece is written in tokens and read back. A note counts if its pitch, onset and end come back: F1 is 1 if all do and none is added."
    heads = ["Representation", ">F1 to the tick", ">F1 within 50 ms", ">Notes", *(f">{what[0].upper()}{what[1:]}" for what, _ in causes_of(found.losses[0])[:5])]  # fmt: skip
    rows = [_loss_row(loss) for loss in found.losses]
    whole = all(loss.whole for loss in found.losses)
    sample = (
        ""
        if whole
        else " The others are tried on a sample of the pieces, evenly drawn; so many are said beside them."
    )
    dropped = f"Dropped before, in reading: {count(found.grace_notes, 'grace note')}, {count(found.doubled, 'doubled note')}."
    tolerances = "Within 50 ms: onset within 50 ms, end within the larger of 50 ms and a fifth of the duration, at the piece's tempo (mir_eval's tolerances)."
    return joined(
        [
            tag("p", intro + sample),
            table("What each representation brings back", heads, rows),
            tag("p", f"{dropped} {tolerances}", class_="note"),
        ]
    )


def _loss_row(loss: Loss) -> list[object]:
    marks = ["configured"] * loss.configured + [f"on {count(loss.pieces, 'piece')}"] * (not loss.whole)
    kind = joined([tag("code", loss.kind), *(tag("span", mark, class_="tag") for mark in marks)], " ")
    amounts = [f"{amount:,}" for _, amount in causes_of(loss)[:5]]
    return [kind, tag("strong", ratio(loss.f1)), ratio(loss.tolerant_f1), f"{loss.sums.notes:,}", *amounts]


def rejected(found: Description) -> Html:
    """All that could not be used, as far as a page can hold it."""
    rejected = found.rejected
    if not rejected.count:
        return tag("p", "Nothing: every file could be used.")
    reasons = table("Reasons", ["Reason", ">Times"], [(why, f"{times:,}") for why, times in rejected.reasons])
    more = Html("")
    if rejected.count > len(rejected.first):
        more = tag("p", f"The first {len(rejected.first):,} of {rejected.count:,} are shown; all are in ", tag("a", "rejected.csv", href="rejected.csv"), ".")  # fmt: skip
    files = table("Files and tunes", ["File", "Reason"], [(name(what), why) for what, why in rejected.first])
    return joined([reasons, more, files])


# ---------------------------------------------------------------------------------------------------
# Parts of sections


def _facts(facts: list[tuple[str, object]]) -> Html:
    told = joined(joined([tag("dt", what), tag("dd", said)]) for what, said in facts if said)
    return tag("dl", told, class_="facts")


def _figure(title: str, more: str, chart: str) -> Html:
    return tag("figure", tag("figcaption", title, tag("small", more)), Html(chart))


def _counted(caption: str, what: str, counted: Sequence[tuple[object, int]], most: int) -> Html:
    rows = _first(
        counted,
        most,
        lambda pair: (str(pair[0]), f"{pair[1]:,}"),
        lambda rest: (f"{len(rest)} more", f"{sum(n for _, n in rest):,}"),
    )
    return table(caption, [what, ">Pieces"], rows)


def _first(
    values: Sequence[T],
    most: int,
    row: Callable[[T], tuple[object, ...]],
    last: Callable[[Sequence[T]], tuple[object, ...]],
) -> list[tuple[object, ...]]:
    """Rows of the first values, and one for all the others."""
    rest = values[most:]
    return [*map(row, values[:most]), *([last(rest)] if rest else [])]


def _spread(spread: Spread, unit: str = "") -> str:
    return f"{number(spread.least)} to {number(spread.most)}{unit}, median {number(spread.median)}{unit}"


SECTIONS: list[tuple[str, str, Callable[[Description], Html]]] = [
    ("about", "About", about),
    ("music", "The music", music),
    ("pieces", "Some of the pieces", examples),
    ("losses", "What the representation loses", losses),
    ("tokens", "Tokens", tokens),
    ("split", "Split and duplicates", split),
    ("rejected", "Rejected", rejected),
]
