"""Scores: what is written sounds as the piece does, every bar is full, and any piece at all can be engraved."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tunes import fermatas

import musicexp
from musicexp.errors import SettingError
from musicexp.music import Note, Piece, read_abc
from musicexp.music.beams import Item
from musicexp.music.collections import collection, corpus_dir
from musicexp.music.notation import Notation, notation
from musicexp.music.notation_xml import musicxml
from musicexp.music.rhythm import VALUES
from musicexp.music.scores import score_piece
from musicexp.music.spelling import signature_of, spelling
from musicexp.music.tunes import tunes_of
from musicexp.render import score_pages, score_svg
from musicexp.training.reporter import Silent

METRES = [
    (4, 4),
    (3, 4),
    (2, 4),
    (6, 8),
    (9, 8),
    (12, 8),
    (5, 4),
    (7, 8),
    (5, 8),
    (2, 2),
    (3, 2),
    (3, 8),
    (6, 4),
]
ODD_METRES = [(1, 4), (11, 16), (7, 32), (1, 64), (5, 64), (255, 1), (17, 4), (4, 1), (13, 8), (1, 32)]
KEYS = ["", "C major", "A minor", "F# dorian", "B- major", "G# major", "C- major", "E mixolydian", "no key"]


@st.composite
def some_pieces(draw: st.DrawFn) -> Piece:
    """Any notes at all: ragged, overlapping, in chords, in several parts, in any metre and key."""
    far = draw(st.sampled_from([30, 200, 1000]))
    notes = draw(
        st.lists(
            st.builds(
                Note,
                st.integers(0, far),
                st.one_of(st.integers(1, 30), st.integers(1, 300)),
                st.one_of(st.integers(55, 80), st.integers(0, 127)),
                st.just(80),
                st.one_of(st.just(0), st.integers(0, 3)),
            ),
            max_size=40,
        )
    )
    metre = draw(st.sampled_from(METRES + ODD_METRES))
    return Piece.of(notes, "x", metre=metre, key=draw(st.sampled_from(KEYS)))


def written_notes(written: Notation) -> dict[int, list[tuple[int, int]]]:
    """Of each of the piece's notes where its heads begin and end, in time."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for staff in written.staves:
        for bar, voices in zip(written.bars, staff.bars, strict=True):
            for item in (item for voice in voices for item in voice):
                for head in item.heads:
                    begin = bar.begin + item.begin
                    found[head.note].append((begin, begin + item.length))
    return found


def steps(item: Item) -> float:
    """How long an item's look says that it lasts."""
    value = item.units * 1.5
    return value * item.ratio[1] / item.ratio[0] if item.ratio else value


def assert_lawful(piece: Piece, written: Notation) -> None:
    for staff in written.staves:
        for number, (bar, voices) in enumerate(zip(written.bars, staff.bars, strict=True)):
            for voice in (voice for voice in voices if voice):
                assert sum(item.length for item in voice) == bar.end - bar.begin, number
                for one, other in pairwise(voice):
                    assert one.begin + one.length == other.begin
                for item in voice:
                    whole_rest = not item.heads and not item.units
                    assert whole_rest or (item.units in VALUES and steps(item) == item.length), item
    heads = written_notes(written)
    assert sorted(heads) == list(range(written.notes))
    exact = 0
    for note, places in heads.items():
        assert all(one[1] == other[0] for one, other in pairwise(places)), "a tie joins what follows"
        begin, end = places[0][0], places[-1][1]
        assert abs(begin - int(piece.onset[note])) <= 12
        exact += (begin, end) == (int(piece.onset[note]), int(piece.onset[note] + piece.duration[note]))
    assert written.left_out_bars or written.rounded == written.notes - exact


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_pieces())
def test_any_piece_can_be_written_and_every_bar_is_full(piece: Piece) -> None:
    written = notation(piece)
    if len(piece):
        assert_lawful(piece, written)
    ElementTree.fromstring(musicxml(written).partition(">")[2].partition(">")[2])


# ---------------------------------------------------------------------------------------------------
# Real music


def tune(name: str) -> Piece:
    """A tune of Ryan's Mammoth Collection, which music21 carries."""
    (path,) = [path for path in collection("ryansMammoth").paths() if path.stem == name]
    return read_abc(next(iter(tunes_of(path.read_text(encoding="latin-1")))), name)


def chorale(name: str) -> Piece:
    return score_piece(corpus_dir() / "bach" / f"{name}.mxl", name)


def assert_reads_back(piece: Piece, tmp_path: Path) -> None:
    """music21 reads in our MusicXML the notes of the piece, each in its part, its metre, its signature."""
    written = notation(piece)
    path = tmp_path / "written.musicxml"
    path.write_text(musicxml(written), encoding="utf-8")
    again = score_piece(path, piece.name)
    rounded = {
        note
        for note, places in written_notes(written).items()
        if (places[0][0], places[-1][1]) != (piece.onset[note], piece.onset[note] + piece.duration[note])
    }
    parts = sorted(set(piece.part.tolist()))
    wanted = {
        (n.onset, n.duration, n.pitch, parts.index(n.part))
        for i, n in enumerate(piece.notes())
        if i not in rounded
    }
    found = {(n.onset, n.duration, n.pitch, n.part) for n in again.notes()}
    assert wanted <= found
    assert len(again) == len(piece)
    assert again.metre == piece.metre
    assert len(rounded) == written.rounded
    if not rounded:
        assert wanted == found


def test_a_fermata_is_drawn_once_and_read_back(tmp_path: Path) -> None:
    """Above a chord, and above the last of notes that are tied across a bar line."""
    notes = [Note(0, 24, 60), Note(0, 24, 64), Note(24, 24, 65), Note(48, 96, 67)]
    piece = Piece.of(notes, fermata=[True, False, False, True])
    drawn = musicxml(notation(piece))
    assert drawn.count("<fermata/>") == 2
    path = tmp_path / "written.musicxml"
    path.write_text(drawn, encoding="utf-8")
    assert fermatas(score_piece(path, "")) == [True, True, False, True]
    assert "<fermata/>" not in musicxml(notation(dataclasses.replace(piece, fermata=None)))


TUNES = ["BosonRattlersReel", "BarneysGoatJig", "AcrobatsHornpipe", "AutographHornpipe", "AspinwallHornpipe"]


@pytest.mark.parametrize("name", TUNES)
def test_a_tune_read_back_is_the_tune(name: str, tmp_path: Path) -> None:
    piece = tune(name)
    written = notation(piece)
    assert_lawful(piece, written)
    assert written.rounded == 0
    assert_reads_back(piece, tmp_path)


def test_a_chorale_read_back_is_the_chorale_with_its_upbeat(tmp_path: Path) -> None:
    piece = chorale("bwv269")
    written = notation(piece)
    assert (written.signature, written.upbeat) == (1, 24)
    assert [staff.clef.sign for staff in written.staves] == ["G", "G", "F", "F"]
    assert written.rounded == 0
    assert_reads_back(piece, tmp_path)


@pytest.mark.slow
def test_real_music_read_back_is_the_music(tmp_path: Path) -> None:
    for path in collection("ryansMammoth").paths()[::40]:
        piece = read_abc(next(iter(tunes_of(path.read_text(encoding="latin-1")))), path.stem)
        assert_lawful(piece, notation(piece))
        assert_reads_back(piece, tmp_path)
    for path in sorted((corpus_dir() / "bach").glob("*.mxl"))[::40]:
        piece = score_piece(path, path.stem)
        assert_lawful(piece, notation(piece))
        assert_reads_back(piece, tmp_path)


# ---------------------------------------------------------------------------------------------------
# What a musician looks for


def values_of(piece: Piece, bar: int = 0, staff: int = 0, voice: int = 0) -> list[int]:
    """The sixty-fourths of a bar's notes, rests below 0."""
    items = notation(piece).staves[staff].bars[bar][voice]
    return [item.units if item.heads else -item.units for item in items]


def melody(*durations: int, metre: tuple[int, int] = (4, 4), key: str = "C major") -> Piece:
    onsets = [sum(durations[:i]) for i in range(len(durations))]
    notes = [Note(onset, length, 67 + i % 3 * 2) for i, (onset, length) in enumerate(zip(onsets, durations, strict=True))]  # fmt: skip
    return Piece.of(notes, metre=metre, key=key)


@pytest.mark.parametrize(
    ("metre", "durations", "written"),
    [
        ((4, 4), [24, 48, 24], [16, 32, 16]),
        ((4, 4), [12, 24, 24, 24, 12], [8, 16, 8, 8, 16, 8]),
        ((4, 4), [36, 60], [24, 8, 32]),
        ((4, 4), [12, 36, 48], [8, 24, 32]),
        ((3, 4), [36, 36], [24, 24]),
        ((3, 4), [24, 48], [16, 32]),
        ((6, 8), [24, 12, 36], [16, 8, 24]),
        ((6, 8), [48, 24], [24, 8, 16]),
        ((6, 8), [72], [48]),
        ((7, 8), [24, 24, 36], [16, 16, 24]),
        ((2, 2), [12, 24, 12, 48], [8, 16, 8, 32]),
        ((4, 4), [8, 8, 8, 72], [8, 8, 8, 48]),
        ((4, 4), [16, 8, 72], [16, 8, 48]),
        ((4, 4), [32, 32, 32], [32, 32, 32]),
        ((4, 4), [4, 4, 4, 12, 72], [4, 4, 4, 8, 48]),
    ],
)
def test_a_bar_is_written_as_its_metre_asks(
    metre: tuple[int, int], durations: list[int], written: list[int]
) -> None:
    assert values_of(melody(*durations, metre=metre)) == written


def test_beams_join_the_eighths_of_half_a_bar_and_of_a_dotted_quarter() -> None:
    def beams(piece: Piece) -> str:
        items = notation(piece).staves[0].bars[0][0]
        return "".join({"begin": "(", "continue": "-", "end": ")"}.get(item.beam, ".") for item in items)

    assert beams(melody(*[12] * 8)) == "(--)(--)"
    assert beams(melody(12, 12, 6, 6, 12, 48)) == "()(-)."
    assert beams(melody(*[12] * 6, metre=(6, 8))) == "(-)(-)"
    assert beams(melody(*[12] * 7, metre=(7, 8))) == "()()(-)"
    assert beams(melody(8, 8, 8, 8, 8, 8, 48)) == "(-)(-)."


def test_a_note_beyond_the_bar_is_tied_and_the_rest_of_the_bar_is_filled() -> None:
    piece = melody(72, 48)
    assert values_of(piece) == [48, 16]
    assert values_of(piece, bar=1) == [16, -16, -32]
    first, second = (notation(piece).staves[0].bars[bar][0] for bar in (0, 1))
    assert first[1].heads[0].tied_behind
    assert second[0].heads[0].tied_before


def test_notes_of_other_lengths_at_once_stand_in_two_voices() -> None:
    notes = [Note(0, 96, 60), Note(0, 24, 72), Note(24, 24, 74), Note(48, 48, 76)]
    piece = Piece.of(notes, key="C major")
    assert values_of(piece) == [16, 16, 32]
    assert values_of(piece, voice=1) == [64]
    assert notation(piece).rounded == 0


def test_low_and_high_at_once_stand_on_two_staves() -> None:
    written = notation(Piece.of([Note(0, 96, 40), Note(0, 96, 76), Note(96, 96, 43), Note(96, 96, 79)]))
    assert [staff.clef.sign for staff in written.staves] == ["G", "F"]
    assert "<staves>2</staves>" in musicxml(written)


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        ("G major", 1),
        ("E minor", 1),
        ("A dorian", 1),
        ("B- major", -2),
        ("C- major", -7),
        ("G# major", -4),
        ("D# minor", 6),
    ],
)
def test_the_signature_is_that_of_the_key(key: str, signature: int) -> None:
    assert signature_of(melody(24, key=key)) == signature


def test_without_a_key_the_signature_is_found_from_the_notes() -> None:
    for name, signature in (("BosonRattlersReel", 2), ("BarneysGoatJig", 1), ("AutographHornpipe", -2)):
        piece = tune(name)
        assert signature_of(piece) == signature
        bare = Piece.of(piece.notes(), metre=piece.metre)
        assert signature_of(bare) == signature


def test_accidentals_are_sharps_upwards_and_flats_downwards() -> None:
    assert spelling(66, 0, [67])[:2] == ("F", 1)
    assert spelling(63, 0, [64])[:2] == ("D", 1)
    assert spelling(63, 0, [62])[:2] == ("E", -1)
    assert spelling(61, 0, [60])[:2] == ("D", -1)
    assert spelling(60, 7, []) == ("B", 1, 3)
    assert spelling(59, -7, []) == ("C", -1, 4)
    for pitch in range(128):
        for signature in range(-7, 8):
            letter, alter, octave = spelling(pitch, signature, [pitch + 1])
            assert {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter] + alter + 12 * (octave + 1) == pitch  # fmt: skip


def test_an_accidental_holds_to_the_end_of_its_bar() -> None:
    piece = Piece.of([Note(i * 24, 24, pitch) for i, pitch in enumerate([66, 66, 65, 67, 66])], key="C major")
    drawn = [
        [item.heads[0].accidental for item in bar[0] if item.heads] for bar in notation(piece).staves[0].bars
    ]
    assert drawn == [[True, False, True, False], [True]]


def test_what_was_played_raggedly_is_rounded_and_counted() -> None:
    piece = melody(23, 25, 24, 22, 26, 24, 24, 24)
    assert values_of(piece) == [16, 16, 16, 16]
    assert notation(piece).rounded == 4


def test_of_a_long_piece_the_beginning_is_written() -> None:
    written = notation(melody(*[96] * 500))
    assert (len(written.bars), written.left_out_bars) == (400, 100)
    assert notation(melody(*[6] * 5000)).notes <= 2000


# ---------------------------------------------------------------------------------------------------
# Engraved

engraves = pytest.mark.skipif(find_spec("verovio") is None, reason="verovio is an optional extra")
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '\ud800<script>alert(1)</script> & "quotes" \x00\x1b\u202e 莫扎特'


def engraved(svg: str) -> ElementTree.Element:
    """A score's root: all its ids are unique, all it refers to is in it, and nothing comes from elsewhere."""
    root = ElementTree.fromstring(svg)
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert {element.attrib["href"] for element in root.iter(f"{SVG}use")} <= {f"#{name}" for name in ids}
    assert not re.search(
        r"url\(|@import|@font-face|<style|<script|xlink|https?://(?!www\.w3\.org/2000/svg)", svg
    )
    return root


@engraves
def test_each_note_is_drawn_under_its_index() -> None:
    piece = tune("AutographHornpipe")
    (page,) = score_pages(piece, piece.name)
    drawn = [int(e.attrib["data-note"]) for e in engraved(page).iter(f"{SVG}g") if "data-note" in e.attrib]
    assert sorted(set(drawn)) == list(range(len(piece)))
    assert len(page) < 60_000


@engraves
@pytest.mark.slow
def test_pages_of_several_pieces_stand_in_one_document() -> None:
    one, other = melody(*[12] * 900), melody(*[24] * 40)
    pages = [
        *score_pages(one, "one"),
        *score_pages(other, "other"),
        *score_pages(one, "one", prefix="again-"),
    ]
    assert len(pages) > 4
    pages += [score_svg([("one", one), ("other", other)]).decode(), score_svg([("third", other)]).decode()]
    engraved(f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(pages)}</svg>')
    words = "".join(ElementTree.fromstring(pages[0]).itertext())
    assert words.startswith("one")
    assert "1 / " in words


@engraves
def test_a_hostile_title_is_text() -> None:
    for svg in (score_pages(melody(24), HOSTILE)[0], score_svg([(HOSTILE, melody(24))]).decode()):
        words = [element.text for element in engraved(svg).iter(f"{SVG}text")]
        assert '�<script>alert(1)</script> & "quotes" ��� 莫扎特' in words


@engraves
def test_a_piece_without_a_note_gives_a_page_that_says_so() -> None:
    (page,) = score_pages(Piece.of([]), "sample_1")
    assert [element.text for element in engraved(page).iter(f"{SVG}text")] == ["sample_1", "no note"]
    assert "no note" in score_svg([]).decode()


@engraves
def test_what_was_rounded_is_said_under_the_score() -> None:
    (page,) = score_pages(melody(23, 25, 24, 24), "ragged")
    assert "2 of 4 notes rounded" in page


@engraves
def test_equal_pieces_give_equal_bytes() -> None:
    pieces = [("a", tune("BarneysGoatJig")), ("b", melody(7, 5, 31, 24))]
    assert score_svg(pieces) == score_svg(pieces)


def test_without_verovio_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "verovio", None)
    with pytest.raises(SettingError, match=r"pip install 'musicexp\[score\]'"):
        score_pages(melody(24), "x")


@engraves
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_pieces())
def test_any_piece_can_be_engraved_and_lacks_no_note(piece: Piece) -> None:
    root = engraved(score_svg([("x", piece)]).decode())
    drawn = {int(e.attrib["data-note"]) for e in root.iter(f"{SVG}g") if "data-note" in e.attrib}
    assert drawn == set(range(len(piece)))


@engraves
@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(some_pieces())
def test_many_pieces_can_be_engraved(piece: Piece) -> None:
    engraved(score_svg([("x", piece)]).decode())


@pytest.mark.slow
def test_a_run_without_verovio_says_so_and_leaves_the_rest(
    small: Callable[..., list[str]], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Silent()
    monkeypatch.setitem(sys.modules, "verovio", None)
    words = small("iterations=1", "samples.count=1", "render.score=true", "render.pictures=true")
    files = musicexp.run(*words, reporter=reporter).files
    assert "score.svg" not in files
    assert "roll.png" in files
    assert sum("pip install 'musicexp[score]'" in line for line in reporter.lines) == 1
    monkeypatch.undo()
    words = small("iterations=1", "samples.count=1", "render.score=false")
    assert "score.svg" not in musicexp.run(*words).files
