"""Completion: the candidates for the words typed, and the tab key in real shells."""

from __future__ import annotations

import os
import pty
import select
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from musicexp.cli import COMMANDS, HIDDEN, MORE
from musicexp.cli import main as command_line
from musicexp.cli import ui as ui_command
from musicexp.cli.complete import RUN_FLAGS, UI_SETTINGS, candidates, run_names
from musicexp.cli.complete import main as complete
from musicexp.cli.completion import SHELLS, script
from musicexp.cli.settings_help import run_help
from musicexp.config import GROUPS, Config, assignments, fields_of, options_of

SECONDS = 30.0  # far more than any shell takes
HEAVY = ("torch", "hydra", "omegaconf", "mlflow", "pytorch_lightning", "music21", "symusic", "numpy")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and no store from the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def make_store(path: Path, runs: dict[str, str], deleted_experiment: str = "") -> Path:
    """A store with the columns of MLflow's tables that completion reads; runs: name -> lifecycle_stage, oldest first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute(
            "CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, lifecycle_stage TEXT)"
        )
        store.execute(
            "CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, lifecycle_stage TEXT, start_time BIGINT, experiment_id INTEGER)"
        )
        store.execute("INSERT INTO experiments VALUES (1, 'musicexp', 'active'), (2, 'gone', 'deleted')")
        rows = [(f"id{k}", name, stage, k, 1) for k, (name, stage) in enumerate(runs.items())]
        if deleted_experiment:
            rows.append(("id-gone", deleted_experiment, "active", 99, 2))
        store.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", rows)
    return path


def make_tunes(folder: Path) -> None:
    """Folders and files whose names shells and Hydra read in their own ways."""
    for name in ("tunes", "my folder/in (1)", ".hidden"):
        (folder / name).mkdir(parents=True)
    for name in (
        "script.py",
        "tune.mid",
        "Loud.MIDI",
        "my folder/a, b (1).abc",
        "my folder/it's.mid",
        "x.db",
    ):
        (folder / name).touch()


# ---------------------------------------------------------------------------------------------------
# Candidates


def test_the_first_word_is_a_command() -> None:
    expected = [*COMMANDS, *MORE, "--help", "--version"]
    assert candidates([""]) == candidates([]) == expected
    assert candidates(["r"]) == ["run"]
    assert candidates(["--v"]) == ["--version"]
    assert not set(HIDDEN) & set(candidates(["comp"]))
    assert candidates(["nonsense", ""]) == []


def test_run_offers_every_group_setting_and_flag_once() -> None:
    found = candidates(["run", ""])
    names = {f"{name}=" for name in GROUPS} | {f"{dotted}=" for dotted, _ in fields_of(Config)}
    assert set(found) == names | set(RUN_FLAGS)
    assert len(found) == len(set(found))
    assert found[: len(GROUPS)] == [f"{group}=" for group in GROUPS]


def test_benchmark_offers_its_name_its_settings_and_those_of_run_that_go_with_it() -> None:
    assert candidates(["benchmark", ""])[0] == "pearce"
    found = set(candidates(["benchmark", "pearce", ""]))
    assert {"sets=", "tune=", "lr=", "model=", "--json"} <= found
    assert not {"pearce", "dataset=", "split.folds=", "resume="} & found
    assert candidates(["benchmark", "pearce", "sets="]) == ["sets=chorales", "sets=kinder"]
    assert candidates(["benchmark", "pearce", "sets=kinder,"]) == ["sets=kinder,chorales"]
    assert candidates(["benchmark", "pearce", "quick="]) == ["quick=true", "quick=false"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_offers_its_options(group: str) -> None:
    assert candidates(["run", f"{group}="]) == [f"{group}={option}" for option in options_of(group)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("model=", "model=lstm1 model=lstm2 model=lstm3 model=transformer"),
        ("model=lstm2", "model=lstm2"),
        (
            "mod",
            "model= model.kind= model.num_layers= model.hidden_size= model.heads= model.embedding_dim= model.dropout= model.embedding_dropout= model.recurrent_dropout= model.viewpoints= model.members=",
        ),
        ("model.h", "model.hidden_size= model.heads="),
        ("+model.h", "+model.hidden_size= +model.heads="),
        (
            "++tokens.kind=",
            "++tokens.kind=notes ++tokens.kind=events ++tokens.kind=abc ++tokens.kind=pitches ++tokens.kind=voice",
        ),
        ("lr", "lr="),
        ("lr=", ""),
        ("samples.temperature=", ""),
        ("samples.temperature=[", ""),
        ("name=", ""),
        ("nonsense=", ""),
        ("nonsense", ""),
        ("tracking.system_metrics=", "tracking.system_metrics=true tracking.system_metrics=false"),
        ("threads=", "threads=auto"),
        ("keep=l", "keep=last"),
        ("model=lstm1,", "model=lstm1,lstm2 model=lstm1,lstm3 model=lstm1,transformer"),
        ("keep=best,", "keep=best,last"),
        ("--", "--multirun --cfg --info --help"),
        ("--multirun --", "--cfg --info --help"),
        ("--cfg ", "job"),
        ("-c j", "job"),
        ("--package ", ""),
        ("--cfg job --m", "--multirun"),
        ("lr=1e-3 lr", ""),
        ("+lr=1e-3 ++l", ""),
        (
            "model=lstm1 mode",
            "model.kind= model.num_layers= model.hidden_size= model.heads= model.embedding_dim= model.dropout= model.embedding_dropout= model.recurrent_dropout= model.viewpoints= model.members=",
        ),
        ("resume=last c", "checkpoint.seconds="),
        ("resume=last model", ""),
        ("resume=", "resume=last"),
    ],
)
def test_words_behind_run(words: str, expected: str) -> None:
    assert candidates(["run", *words.split(" ")]) == expected.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("generate ", "last --help"),
        ("generate last te", "temperature="),
        ("generate last tr", "tracking.uri= tracking.experiment="),
        ("generate last count=3 c", ""),
        ("generate last temperature=", ""),
        ("generate last model", ""),
        ("ui ", "port= tracking.uri= tracking.experiment= --help"),
        ("ui port=5000 p", ""),
        ("ui port=", ""),
        ("completion ", "bash zsh fish --help"),
        ("completion z", "zsh"),
        ("completion bash ", ""),
    ],
)
def test_words_behind_the_other_commands(words: str, expected: str) -> None:
    assert candidates(words.split(" ")) == expected.split()


def test_a_sweep_offers_its_own_settings_and_those_of_runs() -> None:
    assert candidates(["sweep", "sampler=t"]) == ["sampler=tpe"]
    assert candidates(["sweep", "search=rep"]) == ["search=report", "search=report_small"]
    assert candidates(["sweep", "model=lstm3"]) == ["model=lstm3"]
    assert {"trials=", "confirm=", "lr=", "search="} <= set(candidates(["sweep", ""]))
    assert not {"name=", "resume="} & set(candidates(["sweep", ""])), "a sweep has neither"
    assert candidates(["sweep", "trials=3", "trial"]) == []


def test_studies_are_offered_where_one_is_wanted(folder: Path) -> None:
    (folder / "mlruns").mkdir()
    with closing(sqlite3.connect(folder / "mlruns" / "optuna.db")) as store, store:
        store.execute("CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name TEXT)")
        store.executemany("INSERT INTO studies VALUES (?, ?)", [(1, "ryans-lr"), (2, "report")])
    assert candidates(["worker", "r"]) == ["report", "ryans-lr"]
    assert candidates(["studies", "ry"]) == ["ryans-lr"]
    assert candidates(["worker", "report", "thr"]) == ["threads="]


def test_flags_and_settings_offered_are_those_that_help_tells() -> None:
    told = run_help()
    assert all(flag in told for flag in RUN_FLAGS if flag != "--help")
    assert all(name in ui_command.HELP for name in UI_SETTINGS)


def test_places(folder: Path) -> None:
    make_tunes(folder)
    assert candidates(["run", "dataset.path="]) == ["dataset.path=my folder/", "dataset.path=tunes/"]
    assert candidates(["run", "dataset.path=./t"]) == ["dataset.path=./tunes/"]
    assert candidates(["run", f"dataset.path={folder}/t"]) == [f"dataset.path={folder}/tunes/"]
    assert candidates(["run", "dataset.path=."]) == ["dataset.path=.hidden/"]
    assert candidates(["run", "dataset.path=nowhere/"]) == []
    assert candidates(["run", "samples.prime=t"]) == ["samples.prime=tune.mid", "samples.prime=tunes/"]
    assert candidates(["generate", "last", "prime=L"]) == ["prime=Loud.MIDI"]
    assert candidates(["generate", "last", "out=t"]) == ["out=tunes/"]
    assert candidates(["ui", "tracking.uri=x"]) == ["tracking.uri=x.db"]
    assert candidates(["run", "tracking.uri=sqlite:///x"]) == ["tracking.uri=sqlite:///x.db"]


def test_a_file_offered_is_read_back_as_that_file(folder: Path) -> None:
    make_tunes(folder)
    bare = candidates(["generate", "last", "prime=my folder/a"])
    quoted = candidates(["generate", "last", 'prime="my folder/i'])
    assert quoted == ['prime="my folder/in (1)/', 'prime="my folder/it\'s.mid"']
    for word in (*bare, quoted[1]):
        assert Path(str(assignments([word], ["prime"], "")["prime"])).is_file()
    typed_on = bare[0].removesuffix(".abc")
    assert candidates(["generate", "last", typed_on]) == bare
    # Hydra does not read an apostrophe without quotes, so such a name is not offered without them.
    assert candidates(["generate", "last", "prime=my folder/it"]) == []


def test_runs_newest_first(folder: Path) -> None:
    make_store(
        folder / "mlruns/mlflow.db",
        {"old": "active", "gone": "deleted", "odd=name": "active", "new": "active"},
        deleted_experiment="of-a-deleted-experiment",
    )
    assert candidates(["generate", ""]) == ["last", "new", "old", "--help"]
    assert candidates(["run", "resume="]) == ["resume=last", "resume=new", r"resume=odd\=name", "resume=old"]
    assert candidates(["run", "resume=o"]) == [r"resume=odd\=name", "resume=old"]


def test_twenty_runs_at_most_of_those_that_begin_as_typed(folder: Path) -> None:
    runs = {f"run-{k}": "active" for k in range(30)}
    make_store(folder / "mlruns/mlflow.db", {"first": "active", **runs})
    assert run_names("") == [f"run-{k}" for k in range(29, 9, -1)]
    assert run_names("fi") == ["first"]


def test_the_store_is_the_one_among_the_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_store(folder / "other #1.db", {"elsewhere": "active"})
    assert candidates(["run", "tracking.uri='other #1.db'", "resume=e"]) == ["resume=elsewhere"]
    assert candidates(["run", "tracking.uri=http://127.0.0.1:9/", "resume="]) == ["resume=last"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "other #1.db")
    assert candidates(["generate", "e"]) == ["elsewhere"]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "mongodb://nothing")
    assert candidates(["generate", ""]) == ["last", "--help"]


def test_a_store_that_cannot_be_read_gives_no_runs_and_is_left_as_it_is(folder: Path) -> None:
    assert run_names("") == []
    assert list(folder.iterdir()) == []
    broken = folder / "broken.db"
    broken.write_bytes(b"no database at all" * 100)
    assert run_names("", str(broken)) == []
    empty = folder / "empty.db"
    empty.touch()
    assert run_names("", str(empty)) == []
    locked = make_store(folder / "locked.db", {"a": "active"})
    with closing(sqlite3.connect(locked)) as store:
        store.execute("BEGIN EXCLUSIVE")
        assert run_names("", str(locked)) == []
    assert run_names("", str(locked)) == ["a"]


@pytest.mark.slow
def test_runs_of_a_store_that_mlflow_made() -> None:
    from musicexp.tracking import open_store, store_uri

    store = open_store(store_uri(None), "musicexp")
    for name in ("first", "second"):
        store.create_run(name, {}).close("FINISHED")
        time.sleep(0.01)  # MLflow counts milliseconds
    assert run_names("") == ["second", "first"]


# ---------------------------------------------------------------------------------------------------
# The two commands


def test_an_error_shows_nothing_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(words: object) -> list[str]:
        raise RuntimeError("a bug")

    monkeypatch.setattr("musicexp.cli.complete.candidates", broken)
    monkeypatch.delenv("MUSICEXP_DEBUG", raising=False)
    assert complete(["run", ""]) == 0
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("MUSICEXP_DEBUG", "1")
    with pytest.raises(RuntimeError, match="a bug"):
        complete(["run", ""])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            [],
            "completion wants one shell, bash, zsh or fish, as in `python -m musicexp completion bash`",
        ),
        (["bash", "zsh"], "completion wants one shell, bash, zsh or fish, not 'bash zsh'"),
        (["bsh"], "there is no completion for 'bsh': did you mean bash? It may be bash, zsh or fish"),
        (["ksh93"], "there is no completion for 'ksh93': it may be bash, zsh or fish"),
    ],
)
def test_a_wrong_shell_is_refused_in_a_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line(["completion", *words]) == 2
    assert capsys.readouterr().err == f"musicexp: {sentence}\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_help_says_how_to_install_and_the_script_is_printed(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line(["completion", "--help"]) == 0
    assert f"python -m musicexp completion {shell} >" in capsys.readouterr().out
    assert command_line(["completion", shell]) == 0
    assert capsys.readouterr().out == script(shell)
    assert "@PYTHONS@" not in script(shell)


def test_completing_imports_nothing_heavy() -> None:
    """What makes it quick; how quick it is `benchmarks/starting.py` measures, for a busy machine must not fail a test."""
    command = [sys.executable, "-X", "importtime", "-m", "musicexp", "complete", "run", "model.hi"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    assert done.stdout == "model.hidden_size=\n"
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "musicexp" in imported
    assert not imported & set(HEAVY)


# ---------------------------------------------------------------------------------------------------
# Real shells


def shell_environment(folder: Path) -> dict[str, str]:
    """The environment of a bare user whose PATH has this Python and its `musicexp`."""
    here = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join([here, "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(folder),
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
        "PS1": "$ ",
    }


def prepared(folder: Path) -> Path:
    """The folder that shells are tried in: tunes, a store, `venv/bin/python`, and the scripts."""
    make_tunes(folder)
    make_store(folder / "mlruns/mlflow.db", {"quiet-fox": "active"})
    (folder / "venv").symlink_to(Path(sys.executable).parent.parent)
    for shell in SHELLS:
        (folder / f"completion.{shell}").write_text(script(shell))
    return folder


class Terminal:
    """An interactive shell at the other end of a pseudo-terminal."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.folder = folder
        self._ours, theirs = pty.openpty()
        self._shell = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env=shell_environment(folder),
            start_new_session=True,
        )
        os.close(theirs)

    def words_of(self, keys: str) -> list[str]:
        """Type the keys; the words that the shell would then run."""
        # Ctrl-U clears what an earlier test may have left. Ctrl-A goes to the line's start and Ctrl-E to its end.
        os.write(self._ours, f"\x15{keys}\x01printf '{{%s}}' \x05 '' END\r".encode())
        screen, end = "", time.monotonic() + SECONDS
        while "{END}" not in screen and time.monotonic() < end:
            if select.select([self._ours], [], [], 0.1)[0]:
                screen += os.read(self._ours, 65536).decode(errors="replace")
        assert "{END}" in screen, screen
        told = screen[: screen.index("{}{END}")].rpartition("\n")[2]
        return told[1:-1].split("}{")

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._ours)


@pytest.fixture(scope="module")
def terminals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Terminal]]:
    """bash and zsh, as far as they are installed, with the script sourced."""
    folder = prepared(tmp_path_factory.mktemp("shells"))
    commands = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
    opened = {}
    for shell, command in commands.items():
        if shutil.which(shell):
            opened[shell] = Terminal(command, folder)
            opened[shell].words_of(f"source ./completion.{shell}\r")
    yield opened
    for terminal in opened.values():
        terminal.close()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("musicexp comple\tf\tx", "musicexp completion fish x"),
        ("musicexp run recu\tt\tx", "musicexp run recurrence=torch x"),
        ("musicexp run model.hi\t64", "musicexp run model.hidden_size=64"),
        ("musicexp run lr=\tx", "musicexp run lr=x"),
        ("musicexp run --cf\t\t", "musicexp run --cfg job"),
        ("musicexp generate q\tx", "musicexp generate quiet-fox x"),
        ("python -m musicexp run tokens.kind=a\tx", "python -m musicexp run tokens.kind=abc x"),
        ("python3 -X dev -m musicexp ui p\t1", "python3 -X dev -m musicexp ui port=1"),
        (
            "venv/bin/python -m musicexp run ++preci\tfp3\tx",
            "venv/bin/python -m musicexp run ++precision=fp32 x",
        ),
        ("python -m musicexp run dataset.path=tu\tx", "python -m musicexp run dataset.path=tunes/x"),
        ("musicexp run tracking.uri=sqlite:///x\tx", "musicexp run tracking.uri=sqlite:///x.db x"),
        ("musicexp run keep=b\x02\x02\x02\x02\x02\x02\x02 batch\t", "musicexp run batch_size= keep=b"),
        ("FOO=1 musicexp gen\tla\tx", "FOO=1 musicexp generate last x"),
        ("python scr\tx", "python script.py x"),
        ("python -m json.tool scr\tx", "python -m json.tool script.py x"),
        ("venv/bin/python3 scr\tx", "venv/bin/python3 script.py x"),
        ("python -m musicexp run scr\tx", "python -m musicexp run scrx"),
    ],
)
def test_the_tab_key(terminals: dict[str, Terminal], shell: str, keys: str, words: str) -> None:
    if shell not in terminals:
        pytest.skip(f"{shell} is not installed")
    assert terminals[shell].words_of(keys) == words.split(" ")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ('musicexp run model="lstm2\t', ["musicexp", "run", "model=lstm2"]),
        ("musicexp run 'tokens.kind=a\t", ["musicexp", "run", "tokens.kind=abc"]),
        (
            "musicexp run dataset.path=my\\ fo\tin\t",
            ["musicexp", "run", "dataset.path=my folder/in \\(1\\)/"],
        ),
        (
            "~/venv/bin/python -m musicexp run samples.prime=L\t",
            ["{HOME}/venv/bin/python", "-m", "musicexp", "run", "samples.prime=Loud.MIDI"],
        ),
    ],
)
def test_the_tab_key_within_quotes(
    terminals: dict[str, Terminal], shell: str, keys: str, words: list[str]
) -> None:
    if shell not in terminals:
        pytest.skip(f"{shell} is not installed")
    terminal = terminals[shell]
    assert terminal.words_of(keys) == [word.replace("{HOME}", str(terminal.folder)) for word in words]


BASH_ANSWERS = r"""
source ./completion.bash
COMP_LINE=$1 COMP_POINT=${#1} begun=${1##*[ =:]} name=${1%% *}
spec=$(complete -p "${name##*/}")
[[ $spec =~ -F\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" "$name" "$begun" before
printf '%s\n' "${COMPREPLY[@]}"
"""


def bash_answers(line: str, folder: Path, first: str = "") -> list[str]:
    """What our function answers readline for a line, in a bash that did `first` before it read our script."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    done = subprocess.run(
        ["bash", "--norc", "--noprofile", "-c", first + BASH_ANSWERS, "bash", line],
        capture_output=True,
        text=True,
        cwd=folder,
        env=shell_environment(folder),
        timeout=SECONDS,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash_gets_only_what_is_behind_the_last_sign_it_breaks_at(folder: Path) -> None:
    prepared(folder)
    assert bash_answers("musicexp run model=", folder) == ["lstm1", "lstm2", "lstm3", "transformer"]
    assert bash_answers("python -m musicexp run +model=lstm1,", folder) == [
        "lstm1,lstm2",
        "lstm1,lstm3",
        "lstm1,transformer",
    ]
    assert bash_answers("musicexp run tracking.uri=sqlite:///", folder)[-1] == "///x.db"


MINE = "mine() { COMPREPLY=(mine-$1-$2-$3); }; "


@pytest.mark.parametrize(
    "first",
    [
        MINE + "complete -o nospace -F mine python",
        MINE + "complete -F mine python; source ./completion.bash",  # our script is read twice
        MINE + "_completion_loader() { complete -F mine $1; return 124; }",
        MINE + "_comp_complete_load() { complete -F mine $1; return 124; }",
    ],
)
def test_what_completed_python_before_in_bash_still_does(folder: Path, first: str) -> None:
    prepared(folder)
    assert bash_answers("python scr", folder, first) == ["mine-python-scr-before"]
    assert bash_answers("python -m musicexp ui p", folder, first) == ["port="]


def test_words_that_completed_python_before_in_bash_still_do(folder: Path) -> None:
    prepared(folder)
    assert bash_answers("python se", folder, "complete -W 'first second' -o default python") == ["second"]
    assert bash_answers("python -m musicexp ui p", folder, "complete -W 'first second' python") == ["port="]


FISH_LINES = {
    "musicexp comple": ["completion"],
    "musicexp run recu": ["recurrence="],
    "musicexp run lr=": [],
    "musicexp generate ": ["last", "quiet-fox", "--help"],
    "FOO=1 python -m musicexp run tokens.kind=a": ["tokens.kind=abc"],
    "venv/bin/python3 -X dev -m musicexp run model=": [
        "model=lstm1",
        "model=lstm2",
        "model=lstm3",
        "model=transformer",
    ],
    "~/venv/bin/python -m musicexp run ++preci": ["++precision="],
    'musicexp run "keep=': ["keep=best", "keep=last"],
    "musicexp run dataset.path=my\\ fo": ["dataset.path=my folder/"],
    "python scr": ["script.py"],
    "python -m json.tool scr": ["script.py"],
    "python -m musicexp run scr": [],
}


@pytest.mark.slow
def test_fish(folder: Path) -> None:
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    prepared(folder)
    asked = "for line in $argv; complete -C $line; echo END; end"
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source ./completion.fish; {asked}", *FISH_LINES],
        capture_output=True,
        text=True,
        cwd=folder,
        env=shell_environment(folder),
        timeout=SECONDS,
        check=True,
    )
    answers = [told.strip("\n").splitlines() for told in done.stdout.split("END\n")]
    assert dict(zip(FISH_LINES, answers, strict=False)) == FISH_LINES


def test_evaluate_offers_folders_and_data_sets(tmp_path: Path) -> None:
    (tmp_path / "melodies").mkdir()
    assert "melodies/" in candidates(["evaluate", "mel"])
    assert "reference=ryans" in candidates(["evaluate", "melodies", "reference=r"])
    assert "reference=melodies/" in candidates(["evaluate", "melodies", "reference=mel"])
    assert "reference=midi" not in candidates(["evaluate", "melodies", "reference=m"])
    assert "--json" in candidates(["evaluate", "melodies", "--"])
