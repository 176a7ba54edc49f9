"""The command line as people meet it: what it prints, leaves, refuses, and how it ends."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import mido
import pytest
import soundfile

import musicexp
from musicexp.cli import main
from musicexp.config import compose
from musicexp.errors import RunError
from musicexp.training.material import prepare

Small = Callable[..., list[str]]
DIVERGING = ("optimizer=adamw", "optimizer.weight_decay=1e6", "lr=10", "optimizer.schedule=constant")
"""Weight decay that multiplies every weight by -1e7 a step overflows in a few."""
HEAVY = ("torch", "pytorch_lightning", "mlflow", "music21", "optuna", "symusic", "matplotlib")
UNUSED = ("optuna", "miditok", "music21")
"""Training on prepared data takes none of them."""


def called(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    """`python -m musicexp WORDS` in a process of its own."""
    command = [sys.executable, "-m", "musicexp", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)  # type: ignore[call-overload,no-any-return]


# ---------------------------------------------------------------------------------------------------
# Light: nothing is trained


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    positions = [
        said.index(f"\n  {command} ")
        for command in ("run", "generate", "sweep", "compare", "listen", "ui", "data", "completion")
    ]
    assert positions == sorted(positions)
    assert main([]) == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--help"],
        ["generate", "--help"],
        ["ui", "--help"],
        ["data", "--help"],
        ["completion", "--help"],
        ["--version"],
    ],
)
def test_every_command_explains_itself(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert len(capsys.readouterr().out) > 10


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnu"], "unknown command 'rnu': did you mean run?"),
        (
            ["xyzzy"],
            "the commands are run, generate, sweep, compare, listen, ui, data, evaluate, benchmark, export, studies, worker, completion",
        ),
        (["run", "+model.num_layer=3"], "did you mean model.num_layers?"),
        (["run", "--cfg", "job", "+model.num_layer=3"], "did you mean model.num_layers?"),
        (["run", "--info", "lr=0"], "lr must be a number"),
        (["run", "--multirun", "lr=1e-3,0"], "lr must be a number"),
        (["run", "--cfg"], "--cfg wants a word behind it"),
        (["run", "--epochs"], "unknown flag --epochs: settings are written setting=value"),
        (["run", "--config-dir=x"], "unknown flag --config-dir=x"),
        (["run", "resume=x", "lr=1"], "resume=x takes its settings from that run, so leave out lr=1"),
        (["run", "dataset=midi", "dataset.path=nowhere"], "dataset.path=nowhere: no such folder"),
        (["generate"], "generate wants a run"),
        (["generate", "count=3"], "generate wants a run before count=3"),
        (["generate", "last", "temprature=3"], "did you mean temperature?"),
        (["generate", "last", "temperature=hot"], "temperature must be a number or a list"),
        (["generate", "last", "ppm=2"], "ppm must be a number, at least 0 and at most 1, not 2"),
        (["generate", "last", "out="], "out must be a folder's name"),
        (["generate", "last", "lr=1"], "unknown setting lr"),
        (["generate", "last"], "no run yet in experiment musicexp|there is no experiment"),
        (["generate", "nobody", "tracking.uri=not/there.db"], "there is no store at"),
        (["ui", "port=99999"], "port must be a whole number from 1 to 65535"),
        (["ui", "tracking.uri=not/there.db"], "there is no store at"),
        (["completion", "tcsh"], "zsh"),
    ],
)
def test_wrong_words_give_one_sentence_and_exit_code_2(
    words: list[str], sentence: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert any(part in said for part in sentence.split("|")), said
    assert said.startswith("musicexp: ")
    assert said.count("\n") == 1


def test_a_refusal_imports_nothing_heavy_and_leaves_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from musicexp.cli import main; code = main(sys.argv[1:]);"
        f"print([m for m in {HEAVY} if m in sys.modules]); sys.exit(code)"
    )
    for words in (
        ["run", "lr=fast"],
        ["run", "--cfg", "job"],
        ["run", "--help"],
        ["data", "--help"],
        ["--help"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path, check=False
        )
        assert done.returncode == (2 if "lr=fast" in words else 0)
        assert done.stdout.endswith("[]\n")
        assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir()), "no outputs/, no multirun/, no mlruns/"


@pytest.mark.slow
def test_hydra_prints_what_it_composes(tmp_path: Path) -> None:
    done = called("run", "model=lstm1", "--cfg", "job", "lr=2e-3", "-p", "model", cwd=tmp_path)
    assert "num_layers: 1" in done.stdout
    assert "lr: 0.002" in called("run", "--cfg=job", "lr=2e-3", cwd=tmp_path).stdout
    assert "Defaults List" in called("run", "--info", "defaults", cwd=tmp_path).stdout
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------------------------------
# A whole run


@pytest.fixture
def finished(
    small: Small, store: str, capsys: pytest.CaptureFixture[str]
) -> tuple[musicexp.api.LoadedRun, str]:
    """A run that was trained through the command line, and what it printed."""
    assert main(["run", *small("name=whole")]) == 0
    return musicexp.load_run("whole"), capsys.readouterr().out


@pytest.fixture
def performed(
    small: Small, store: str, capsys: pytest.CaptureFixture[str]
) -> tuple[musicexp.api.LoadedRun, str]:
    """The same with all that is heard and seen."""
    assert (
        main(["run", *small("name=whole", "render.audio=true", "render.score=true", "render.pictures=true")])
        == 0
    )
    return musicexp.load_run("whole"), capsys.readouterr().out


def test_what_a_run_prints_and_leaves(performed: tuple[musicexp.api.LoadedRun, str], store: str) -> None:
    run, said = performed
    for word in (
        "16 pieces",
        "LSTM ",
        "unigram",
        "bigram",
        "trigram",
        "ppm ",
        "bits/note",
        "sample_4.mid",
        "python -m musicexp ui",
        "player.html",
        store,
    ):
        assert word in said, word
    kept = run._run._client.get_run(run.id)
    assert kept.info.status == "FINISHED"
    assert kept.data.params["model.hidden_size"] == "16"
    tags = kept.data.tags
    for tag in (
        "signature",
        "data_fingerprint",
        "git.commit",
        "git.dirty",
        "resolved.recurrence",
        "resolved.threads",
        "version.torch",
        "seed",
    ):
        assert tags[tag], tag
    metrics = kept.data.metrics
    expected = {f"nll_nats/{s}" for s in ("train", "val", "test")} | {
        f"bits_per_note/{s}" for s in ("val", "test")
    }
    expected |= {
        f"baseline/{n}/{s}" for n in ("unigram", "bigram", "trigram", "ppm") for s in ("val", "test")
    }
    expected |= {f"recall/{figure}/{s}" for figure in ("nll_nats", "bits_per_note") for s in ("val", "test")}
    assert set(metrics) == expected | {"loss/train", "loss/val", "iterations_per_second"}
    assert [i for i, _ in run.curve("loss/train")] == list(range(1, 31))
    assert [i for i, _ in run.curve("loss/val")] == [7, 14, 21, 28, 30]
    assert min(loss for _, loss in run.curve("loss/val")) == pytest.approx(metrics["nll_nats/val"], rel=1e-5)
    names = {
        "config.yaml",
        "summary.json",
        "log.txt",
        "loss.png",
        "roll.png",
        "checkpoint.ckpt",
        "vocabulary.json",
    }
    names |= {f"sample_{k}.{kind}" for k in (1, 2, 3, 4) for kind in ("mid", "ogg")} | {"player.html"}
    names |= {f"reference_{k}.{kind}" for k in (1, 2, 3) for kind in ("mid", "ogg")}
    names |= {"score.svg"} if find_spec("verovio") else set()
    found = {file.path for file in run._run._client.list_artifacts(run.id)}
    assert found - {"diff.patch"} == names
    summary = json.loads(run.read("summary.json"))
    assert [summary["samples"][f"sample_{k}.mid"]["temperature"] for k in (1, 2, 3, 4)] == [
        1.0,
        1.5,
        1.0,
        1.5,
    ]
    assert summary["bits_per_note"]["test"] == pytest.approx(metrics["bits_per_note/test"])
    assert "trigram" in run.read("log.txt").decode()
    assert kept.inputs
    assert kept.inputs.dataset_inputs[0].dataset.digest == tags["data_fingerprint"]


def test_a_runs_melodies_again_and_others(
    performed: tuple[musicexp.api.LoadedRun, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = performed
    written = musicexp.generate("last")
    assert [path.read_bytes() for path in written] == [run.read(f"sample_{k}.mid") for k in (1, 2, 3, 4)]
    assert written[0].parent == Path("generated/whole")
    assert musicexp.generate("last", "count=1")[0].parent == Path("generated/whole-2")
    for path in written:
        mido.MidiFile(path)
        assert soundfile.info(path.with_suffix(".ogg")).duration > 1
    page = (written[0].parent / "player.html").read_text(encoding="utf-8")
    assert all(f'"id":"sample_{k}"' in page for k in (1, 2, 3, 4))

    assert (
        main(
            [
                "generate",
                "whole",
                "temperature=0.5",
                "count=3",
                "seed=9",
                "out=mine",
                "max_notes=5",
                "top_k=3",
                "render.audio=false",
                "render.score=false",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.count("\n") == 3
    assert len(list(Path("mine").iterdir())) == 3
    assert main(["generate", "whole", "count=1", "out=mine"]) == 2
    assert "holds sample_1.mid already" in capsys.readouterr().err
    assert main(["generate", "whole", "count=1", f"prime={written[0]}", "out=primed", "prime_notes=3"]) == 0


@pytest.mark.slow
def test_a_checkpoint_does_not_ask_conf(
    finished: tuple[musicexp.api.LoadedRun, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default model's size changed in conf/, and an old checkpoint could not be loaded."""
    import shutil

    from musicexp.config import compose as composing

    run, _ = finished
    changed = tmp_path / "conf"
    shutil.copytree(composing.__globals__["conf_dir"](), changed)
    model = changed / "model" / "lstm2.yaml"
    model.write_text(model.read_text().replace("hidden_size: 256", "hidden_size: 999"))
    config = changed / "config.yaml"
    config.write_text(config.read_text().replace("count: 4", "count: 9").replace("[1.0, 1.5]", "[0.1]"))
    monkeypatch.setitem(composing.__globals__, "conf_dir", lambda: changed)
    assert [p.read_bytes() for p in musicexp.generate("last")] == [
        run.read(f"sample_{k}.mid") for k in (1, 2, 3, 4)
    ]


def test_a_finished_run_is_not_resumed(
    finished: tuple[musicexp.api.LoadedRun, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "resume=whole"]) == 2
    assert "is finished, so there is nothing to resume" in capsys.readouterr().err


@pytest.mark.slow
def test_a_damaged_checkpoint_is_told(
    finished: tuple[musicexp.api.LoadedRun, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = finished
    path = Path(run._run.place) / "checkpoint.ckpt"
    path.write_bytes(path.read_bytes()[:1000])
    assert main(["generate", "whole"]) == 2
    assert "checkpoint.ckpt of run whole is damaged" in capsys.readouterr().err
    path.unlink()
    assert main(["generate", "whole"]) == 2
    assert "has no checkpoint.ckpt" in capsys.readouterr().err


@pytest.mark.slow
def test_a_preset_tells_how_long_the_whole_would_take(
    small: Small, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "experiment=tuned", *small("iterations=2", "samples.count=1")]) == 0
    assert "the whole of experiment=tuned (6,600 iterations) takes about" in capsys.readouterr().out


@pytest.mark.slow
def test_a_multirun_trains_each(small: Small, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--multirun", *small("iterations=2", "samples.count=1", "seed=0,1")]) == 0
    said = capsys.readouterr().out
    assert said.count("\ntrained  ") == 2, (
        "not a word of the sentences: MLflow calls runs upbeat-crane-17 too"
    )
    assert {path.name for path in Path().iterdir()} == {"mlruns"}


def test_a_run_on_prepared_data_does_without_the_unused(
    small: Small, store: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To its end, so to its first iteration too. What other tests have imported is hidden: to import it would fail."""
    prepare(compose(small()), cache)
    for name in {*UNUSED, *(name for name in sys.modules if name.split(".")[0] in UNUSED)}:
        monkeypatch.setitem(sys.modules, name, None)
    musicexp.run(*small("iterations=1", "samples.count=1"))


@pytest.mark.slow
def test_a_process_that_runs_on_prepared_data_imports_none_of_the_unused(small: Small, store: str) -> None:
    """As above, with what the libraries import of each other."""
    code = (
        "import sys; from musicexp.cli import main; code = main(sys.argv[1:]);"
        f"print([m for m in {UNUSED} if m in sys.modules]); sys.exit(code)"
    )
    words = ["run", *small("iterations=1", "samples.count=1")]
    for _ in range(2):  # the first one prepares
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=300, check=True
        )
    assert done.stdout.endswith("[]\n"), done.stdout[-100:]


def test_what_is_hydras_own_is_left_to_hydra(
    small: Small, store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A plain run is not handed to Hydra, which would compose it again; one with a setting of Hydra's is."""
    words = small("iterations=1", "samples.count=0", f"hydra.run.dir={tmp_path / 'mine'}")
    assert main(["run", *words, "hydra.output_subdir=composed"]) == 0
    assert (tmp_path / "mine" / "composed" / "hydra.yaml").is_file()


def test_a_failed_run_is_closed_with_what_it_had(
    small: Small, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *small(*DIVERGING, "name=bad")]) == 2
    assert "training diverged" in capsys.readouterr().err
    run = musicexp.load_run("bad")
    assert run.status == "FAILED"
    assert run.tags["failed"].startswith("RunError: training diverged")
    assert run.curve("loss/train")
    assert "training diverged" in run.read("log.txt").decode()


def test_polyphonic_midi_gives_chords(small: Small, store: str) -> None:
    """Chords of MIDI read by music21 are in the vocabulary and in what is generated."""
    result = musicexp.run(*small("iterations=60", "samples.max_notes=200", "lr=1e-2"))
    tokens = json.loads(musicexp.load_run("last").read("vocabulary.json"))["tokens"]
    assert any("." in token for token in tokens)
    onsets = [len(set(m.piece.onset.tolist())) for m in result.melodies]
    assert any(several < len(m.piece) for several, m in zip(onsets, result.melodies, strict=True))


# ---------------------------------------------------------------------------------------------------
# Processes that are stopped


def begun(words: list[str], marker: str, **more: object) -> subprocess.Popen[str]:
    """Start a run and wait until it prints a marker."""
    command = [sys.executable, "-u", "-m", "musicexp", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload]
    assert process.stdout
    for line in process.stdout:
        if marker in line:
            return process  # type: ignore[no-any-return]
    raise AssertionError(f"ended before {marker!r}: {process.stderr.read() if process.stderr else ''}")


@pytest.mark.slow
def test_sigkill_then_resume_then_a_second_kill_of_nothing(
    small: Small, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way through a real store: killed between two checkpoints, gone on with, equal to a run never stopped."""
    words = small(
        "iterations=300", "checkpoint.seconds=0.5", "name=killed", "samples.count=2", "validation.every=60"
    )
    process = begun(["run", *words], "training  210/")
    process.send_signal(signal.SIGSTOP)  # alive, and holding its run, for as long as the next lines take
    for _ in range(2):  # who was refused took the lock away, and the next one was let in
        assert main(["run", "resume=killed"]) == 2
        assert "is being trained by another process" in capsys.readouterr().err
    process.kill()
    process.communicate()
    before = len(musicexp.load_run("killed").curve("loss/train"))
    assert before < 300
    assert main(["run", "resume=killed"]) == 0
    assert "going on behind iteration" in capsys.readouterr().out
    log = musicexp.load_run("killed").read("log.txt").decode()
    assert log.index("training  30/") < log.index("going on behind"), "the log of the first sitting is kept"
    assert main(["run", *small(*words[len(small()) :], "name=whole")]) == 0
    killed, whole = musicexp.load_run("killed"), musicexp.load_run("whole")
    for metric in ("loss/train", "loss/val", "nll_nats/test", "bits_per_note/val"):
        assert killed.curve(metric) == whole.curve(metric), metric
    history = killed._run._client.get_metric_history(killed.id, "loss/train")
    assert len(history) == 300, "no iteration is logged twice"
    assert killed.read("sample_2.mid") == whole.read("sample_2.mid")
    assert killed.status == "FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_run_as_killed(small: Small, store: str, number: signal.Signals) -> None:
    process = begun(["run", *small("iterations=2000", "name=stopped")], "training ")
    process.send_signal(number)
    said, complaints = process.communicate(timeout=60)
    assert process.returncode == 130, complaints
    run = musicexp.load_run("stopped")
    assert run.status == "KILLED"
    assert f"go on with: python -m musicexp run resume={run.id}" in said
    assert run.checkpoint().iteration == run.curve("loss/train")[-1][0]
    assert "Traceback" not in complaints


@pytest.mark.parametrize(
    ("limit", "size"),
    [
        pytest.param(200_000, 16, id="the store", marks=pytest.mark.slow),
        pytest.param(1_500_000, 256, id="the checkpoint", marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_told_in_one_sentence(
    small: Small, store: str, limit: int, size: int, tmp_path: Path
) -> None:
    """RLIMIT_FSIZE stands for a disk that is full at some point."""
    words = small(f"model.hidden_size={size}", "iterations=3")
    full = called("run", *words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    assert full.returncode == 2, full.stderr
    assert full.stderr.count("\n") == 1
    assert "disk is full" in full.stderr
    assert not list(tmp_path.rglob("*.part")), "nothing half-written"
    assert not list(tmp_path.rglob("checkpoint.ckpt"))


@pytest.mark.slow
def test_two_first_runs_at_once_on_a_fresh_store(small: Small, tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if k not in ("MLFLOW_TRACKING_URI", "MUSICEXP_CACHE")}
    command = [sys.executable, "-m", "musicexp", "run", *small("iterations=5")]
    started = [
        subprocess.Popen(
            command, cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in started:
        _, complaints = process.communicate(timeout=240)
        assert process.returncode == 0, complaints
    assert {path.name for path in tmp_path.iterdir()} == {"mlruns"}


@pytest.mark.slow
def test_a_server_as_the_store(
    small: Small, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket
    import urllib.request

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--backend-store-uri",
            f"sqlite:///{tmp_path}/s.db",
            "--artifacts-destination",
            str(tmp_path / "a"),
            "--port",
            str(port),
            "--workers",
            "1",
        ],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.2)
        monkeypatch.setenv("MUSICEXP_CACHE", str(cache))
        monkeypatch.chdir(tmp_path)
        result = musicexp.run(*small(f"tracking.uri={address}", "name=remote"))
        run = musicexp.load_run("remote", tracking_uri=address)
        assert run.status == "FINISHED"
        assert len(run.curve("loss/train")) == 30
        assert run.checkpoint().iteration == 30
        assert run.read("sample_1.mid") == result.melodies[0].midi()
        again = musicexp.generate("remote", f"tracking.uri={address}", "out=again")
        assert again[0].read_bytes() == run.read("sample_1.mid")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


@pytest.mark.slow
def test_system_metrics_are_logged_if_asked_for(
    small: Small, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    musicexp.run(*small("tracking.system_metrics=true", "iterations=100", "samples.count=1"))
    run = musicexp.load_run("last")
    metrics = run._run._client.get_run(run.id).data.metrics
    assert any(name.startswith("system/cpu") for name in metrics)


def test_a_run_stopped_in_reading_leaves_no_run(
    small: Small, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from musicexp.training import conduct

    def stopped(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setitem(conduct.__globals__, "prepare", stopped)
        assert main(["run", *small("name=early")]) == 130
    with pytest.raises(RunError, match=r"no run 'early'|no experiment"):
        musicexp.load_run("early")


@pytest.mark.slow
def test_a_run_killed_before_its_first_checkpoint_goes_on(
    small: Small, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from musicexp.training import train as training

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(training.__globals__, "fit", killed)
        assert main(["run", *small("name=early")]) == 130
    assert musicexp.load_run("early").status == "FAILED"
    assert main(["run", "resume=early"]) == 0
    assert musicexp.load_run("early").status == "FINISHED"


@pytest.mark.parametrize(
    "words",
    [["dataset=midi", "dataset.path=nowhere"], ["dataset.collection=nothing"], ["trainer.accelerator=gpu"]],
)
def test_what_is_not_there_leaves_no_run_and_no_store(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistyped folder made a failed run, which `last` then meant."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MUSICEXP_CACHE", raising=False)
    assert main(["run", *words]) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_last_passes_over_runs_that_have_no_model(
    finished: tuple[musicexp.api.LoadedRun, str], small: Small, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *small(*DIVERGING, "name=bad")]) == 2
    assert musicexp.load_run("last").name == "bad"
    assert musicexp.generate("last", "count=1")[0].parent == Path("generated/whole")
    assert main(["generate", "bad"]) == 2
    assert "it failed (RunError: training diverged" in capsys.readouterr().err


@pytest.mark.slow
def test_a_damaged_configuration_is_told(
    finished: tuple[musicexp.api.LoadedRun, str], capsys: pytest.CaptureFixture[str]
) -> None:
    run, _ = finished
    path = Path(run._run.place) / "config.yaml"
    for damage in (b"{{{", b"\xff\xfe", b"[1]", b"lr: 3"):
        path.write_bytes(damage)
        assert main(["generate", "whole"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("musicexp: config.yaml of run whole")
        assert said.count("\n") == 1
    path.unlink()
    assert main(["generate", "whole"]) == 2
    assert "it was deleted, or the folder was moved" in capsys.readouterr().err


def test_a_process_without_output_still_trains(
    small: Small, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With standard output closed (`>&-`), Python's sys.stdout is None."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert main(["run", *small("iterations=2", "samples.count=1", "name=mute")]) == 0
    assert "LSTM" in musicexp.load_run("mute").read("log.txt").decode()


def test_a_prime_that_is_not_there_is_told_before_training(
    small: Small, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of hours ended in 'no such file'."""
    assert main(["run", *small("samples.prime=nowhere.mid", "name=primed")]) == 2
    assert "prime=nowhere.mid: no such file" in capsys.readouterr().err
    with pytest.raises(RunError, match=r"no run 'primed'|no experiment"):
        musicexp.load_run("primed")
