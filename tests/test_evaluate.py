"""`evaluate`: any folder beside any corpus, and every way to ask for it wrongly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import melody

import musicexp
from musicexp.cli import main
from musicexp.music import Note, Piece, write_midi


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> Path:
    """Six strange melodies, one of them a training tune in another key, one silent, and a file that is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSICEXP_CACHE", str(cache))
    folder = tmp_path / "made"
    folder.mkdir()
    for seed in range(300, 304):
        write_midi(melody(seed), folder / f"new{seed}.mid")
    copied = [note._replace(pitch=note.pitch + 2) for note in melody(3).notes()]
    write_midi(Piece.of(copied), folder / "stolen.mid")
    write_midi(Piece.of([]), folder / "silent.mid")
    (folder / "broken.mid").write_bytes(b"MThd and nothing else")
    return folder


def test_a_folder_is_judged_in_words_with_a_page(
    generated: Path, tunes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "made", f"reference={tunes}"]) == 0
    printed = capsys.readouterr()
    assert "stolen" in printed.out
    assert "tune03" in printed.out
    assert "broken.mid" in printed.err
    page = Path("evaluated/made/music.html").read_text(encoding="utf-8")
    assert "stolen" in page
    assert json.loads(Path("evaluated/made/music.json").read_text())["sets"]["made"]["copied"] == 1


def test_json_is_the_values_of_every_piece_and_nothing_else(
    generated: Path, tunes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "made", f"--reference={tunes}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    values = told["sets"]["made"]["values"]
    assert len(values["names"]) == len(values["groove"]) == len(values["longest_copy"]) == 6
    assert max(value for value in values["longest_copy"] if value is not None) >= 30
    assert len(told["real_values"]["names"]) == 16
    assert told["rejected"][0]["file"] == "broken.mid"
    assert not Path("evaluated").exists()


def test_a_real_piece_is_judged_as_if_it_were_new(generated: Path, tunes: Path) -> None:
    """A corpus whose pieces are held beside themselves would be a copy of itself."""
    found = musicexp.evaluate(tunes, tunes)
    assert found.judgement.real["copied_8grams"].max() < 1.0
    assert found.judgement.sets[0].values["copied_8grams"].min() == 1.0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "one folder of music and what to compare it with"),
        (["made"], "reference=ryans"),
        (["made", "other", "reference=ryans"], "one folder"),
        (["nowhere", "reference=ryans"], "nowhere is no folder"),
        (["made", "reference=nobody"], "reference=nobody is no folder"),
        (["made", "reference=nobody"], "no data set (airds, chorales, essen, oneills"),
        (["made", "reference="], "one folder of music and what to compare it with"),
        (["made", "reference=ryans", "refrence=x"], "refrence"),
        (["made", "reference=ryans", "--csv"], "unknown flag --csv"),
        (["made/stolen.mid", "reference=ryans"], "is a file; name the folder"),
        (["made", "reference=ryans", "out=made/stolen.mid"], "is a file; name a folder"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    generated: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *words]) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_a_folder_without_music_is_refused(
    generated: Path, tunes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty").mkdir()
    assert main(["evaluate", "empty", f"reference={tunes}"]) == 2
    assert "holds no music" in capsys.readouterr().err


def test_nothing_is_written_over(generated: Path, tunes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there").mkdir()
    Path("there/music.html").write_text("mine")
    assert main(["evaluate", "made", f"reference={tunes}", "out=there"]) == 2
    assert "holds music.html already" in capsys.readouterr().err
    assert Path("there/music.html").read_text() == "mine"


def test_a_single_long_note_has_values(generated: Path, tunes: Path, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    write_midi(Piece.of([Note(0, 24 * 3600, 60)]), folder / "long.mid")
    judged = musicexp.evaluate(folder, tunes).judgement.sets[0]
    assert len(judged.values["groove"]) == 1
    assert judged.copied == 0


def test_a_folder_may_have_any_name(generated: Path, tunes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Quotation marks and an equals sign were taken for a setting's."""
    strange = generated.rename(generated.with_name("a=b 'c' \"d\""))
    assert main(["evaluate", strange.name, f"reference={tunes}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["folder"] == strange.name


def test_of_few_pieces_nothing_is_said_and_of_anybodys_no_cause_is_known(
    generated: Path, tunes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One file was called alike by eleven metrics; a real piece of one note was told to take another temperature."""
    assert main(["evaluate", "made", f"reference={tunes}", "out=there"]) == 0
    told = capsys.readouterr().out
    assert "few: fewer than 8 pieces" in told
    assert " alike\n" not in told
    [broken] = [line for line in told.splitlines() if line.startswith("broken")]
    assert "silent.mid" in broken
    assert "temperature" not in broken
    assert "1 piece stands there whole" in told
