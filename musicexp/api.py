"""What the commands do, from Python: `musicexp.run`, `generate`, `load_run`, `describe`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from musicexp.config import (
    Config,
    Render,
    Samples,
    Tracking,
    assignments,
    build_part,
    compose,
    fields_of,
    read_config,
    spelt,
)
from musicexp.errors import SettingError, StoreError
from musicexp.imports import importing
from musicexp.tracking import (
    MLRUNS,
    MlflowRun,
    Store,
    cache_dir,
    open_store,
    store_path,
    store_uri,
    write_whole,
)

if TYPE_CHECKING:
    from musicexp.generation import Checkpoint, Melody
    from musicexp.report import Comparison, Description, Study
    from musicexp.report.evaluation import Evaluation
    from musicexp.report.export import Exported
    from musicexp.training import Reporter, RunResult

GENERATED = "generated"
BEST_COMPARED, MOST_COMPARED = 5, 100
RENDER = "render."
PLACES = ("tracking.uri", "tracking.experiment")
DATA_HINT = "`python -m musicexp data --help` lists every setting"
COMPARE_SETTINGS = ("study", "experiment", "top", *PLACES)
COMPARE_HINT = "`python -m musicexp compare --help` lists every setting"
EVALUATE_SETTINGS = ("reference", "out")
EVALUATE_HINT = "`python -m musicexp evaluate --help` tells both settings"
EVALUATED = "evaluated"
EXPORT_SETTINGS = ("references", *PLACES)
EXPORT_HINT = "`python -m musicexp export --help` lists every setting"
GENERATE_HINT = "`python -m musicexp generate --help` lists every setting"


def run(*overrides: str, reporter: Reporter | None = None) -> RunResult:
    """Train one configuration and track it, as `python -m musicexp run OVERRIDES` does.

    Args:
        overrides: such as "model=lstm1", "lr=1e-3".
        reporter: who is told how it goes; lines on standard output by default.

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    config = compose(overrides)
    check_resume(config, overrides)
    return conduct_run(config, reporter, preset_length(config))


def run_seeds(*overrides: str, seeds: int, reporter: Reporter | None = None) -> list[RunResult]:
    """Train one configuration with several paired seeds, as `python -m musicexp run OVERRIDES seeds=N` does.

    Returns:
        A result for each of `seed`, `seed` + 1, ..., in this order.

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    config = compose(overrides)
    check_seeds(config, seeds)
    return conduct_several(config, seeds, reporter, preset_length(config))


def conduct_several(
    config: Config, seeds: int, reporter: Reporter | None = None, whole: int | None = None
) -> list[RunResult]:
    """`run_seeds` for a configuration that is composed and checked."""
    with importing():
        from musicexp.report import Terminal
        from musicexp.training import conduct_seeds

    return conduct_seeds(config, seeds, reporter or Terminal(preset_iterations=whole))


def check_seeds(config: Config, seeds: object) -> int:
    """How many seeds a run is trained with.

    Raises:
        SettingError: it is no whole number of at least 1, or the run is resumed.
    """
    if isinstance(seeds, bool) or not isinstance(seeds, int) or not 1 <= seeds <= 1000:
        raise SettingError(f"seeds must be a whole number, at least 1 and at most 1,000, not {seeds!r}")
    if config.resume and seeds > 1:
        raise SettingError(f"resume={config.resume} goes on with one run, so leave out seeds={seeds}")
    return seeds


def preset_length(config: Config) -> int | None:
    """How many iterations the chosen preset has by itself; None without one. Not within a Hydra job."""
    return compose([f"experiment={config.experiment}"]).iterations if config.experiment != "none" else None


def conduct_run(config: Config, reporter: Reporter | None = None, whole: int | None = None) -> RunResult:
    """`run` for a configuration that is composed and checked, of a preset that is `whole` iterations long."""
    with importing():
        from musicexp.report import Terminal
        from musicexp.training import conduct

    return conduct(config, reporter or Terminal(preset_iterations=whole))


def check_resume(config: Config, overrides: tuple[str, ...] | list[str]) -> None:
    """A resumed run keeps its settings: beside it may be said where it is found, how often it saves, and what computes it.

    Raises:
        SettingError: another setting stands beside resume.
    """
    if not config.resume:
        return
    allowed = ("resume", "tracking.", "checkpoint.", "hydra.", "recurrence=", "precision=")
    others = [word for word in overrides if not word.lstrip("+").startswith(allowed)]
    if others:
        raise SettingError(
            f"resume={config.resume} takes its settings from that run, so leave out {' '.join(others)}; to change one, start a new run"
        )


def search(*words: str) -> Study:
    """Search for good settings, as `python -m musicexp sweep WORDS` does; the study as plain values.

    Args:
        words: such as "lr=tag(log,interval(1e-4,1e-2))", "trials=20".

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    from musicexp.sweep import record, sweep

    return record(sweep(words))


@dataclass(frozen=True)
class LoadedRun:
    """A run found again in its store."""

    id: str
    name: str
    status: str
    tags: dict[str, str]
    config: Config
    _run: MlflowRun

    def checkpoint(self) -> Checkpoint:
        """Weights, vocabulary and settings; `.model()` gives the network.

        Raises:
            StoreError: there is none yet, or it is damaged.
        """
        from musicexp.generation import CHECKPOINT_FILE, Checkpoint

        if not self._run.has(CHECKPOINT_FILE):
            raise StoreError(f"run {self.name} ({self.id}) has no {CHECKPOINT_FILE}: {self._why_none()}")
        return Checkpoint.from_bytes(self._run.read(CHECKPOINT_FILE), f"{CHECKPOINT_FILE} of run {self.name}")

    def _why_none(self) -> str:
        if self.status == "FINISHED":
            return "it was deleted, or its folder was moved"
        if self.status == "FAILED":
            return f"it failed ({self.tags.get('failed', 'see its log.txt')})"
        return f"it was stopped before its first checkpoint; go on with `python -m musicexp run resume={self.id}`"

    def curve(self, metric: str) -> list[tuple[int, float]]:
        """(iteration, value) pairs of a metric such as loss/train, in order."""
        return self._run.curve(metric)

    def read(self, name: str) -> bytes:
        """A file of the run, such as sample_1.mid."""
        return self._run.read(name)


def load_run(
    reference: str,
    tracking_uri: str | None = None,
    experiment: str | None = None,
    with_file: str | None = None,
) -> LoadedRun:
    """The run of an id, a name or `last`.

    Args:
        tracking_uri, experiment: as the settings tracking.uri and tracking.experiment.
        with_file: for `last`: pass over runs without this file.

    Raises:
        RunError: no run or several bear it.
        StoreError: the store is not there or cannot be read.
    """
    places = compose([]).tracking
    store = open_store(store_uri(tracking_uri), experiment or places.experiment, create=False)
    found = store.find(reference, last_with=with_file)
    config = read_config(found.read("config.yaml"), f"config.yaml of run {found.name} ({found.id})")
    return LoadedRun(found.id, found.name, found.status, found.tags, config, found)


def generate(reference: str, *words: str) -> list[Path]:
    """Write melodies of a run's model, as `python -m musicexp generate RUN WORDS` does.

    Without words it writes the run's own samples again, byte for byte.

    Args:
        reference: an id, a name or `last`.
        words: such as "temperature=[0.8,1.2]", "count=10", "prime=tune.mid", "out=melodies".

    Returns:
        The MIDI files written; their sounds, their score and player.html lie beside them.
    """
    return [path for path, _ in generate_melodies(reference, words).melodies]


@dataclass(frozen=True)
class Generated:
    """What `generate` wrote.

    Attributes:
        melodies: each MIDI file with what it holds.
        others: names of the other files in the folder: sounds, a score, the page that plays them.
        remarks: a sentence for everything that was wanted and is not there.
    """

    folder: Path
    melodies: list[tuple[Path, Melody]]
    others: list[str]
    remarks: list[str]


def generate_melodies(reference: str, words: tuple[str, ...] | list[str]) -> Generated:
    """`generate`, with the melodies beside their files."""
    given = assignments(words, generate_settings(), GENERATE_HINT)
    own = {key: value for key, value in given.items() if key in _sample_names()}
    sounding = {key.removeprefix(RENDER): value for key, value in given.items() if key.startswith(RENDER)}
    default = compose([])  # refuse before anything heavy
    build_part(Samples, dataclasses.asdict(default.samples) | own, "")
    build_part(Render, dataclasses.asdict(default.render) | sounding, RENDER)
    out = given.get("out")
    if out is not None and (not isinstance(out, (str, int)) or isinstance(out, bool) or out == ""):
        raise SettingError(f"out must be a folder's name, not {out!r}")
    tracking = compose([]).tracking
    places = {
        "uri": given.get("tracking.uri"),
        "experiment": given.get("tracking.experiment", tracking.experiment),
    }
    build_part(Tracking, dataclasses.asdict(tracking) | places, "tracking.")

    with importing():
        from musicexp.generation import CHECKPOINT_FILE, melodies, ppm_again
        from musicexp.generation.hearing import sample_entries
        from musicexp.render.performance import performance
        from musicexp.render.sound import sound_of

    loaded = load_run(reference, places["uri"], places["experiment"], with_file=CHECKPOINT_FILE)
    checkpoint = loaded.checkpoint()
    settings = build_part(Samples, dataclasses.asdict(checkpoint.config.samples) | own, "")
    render = build_part(Render, dataclasses.asdict(checkpoint.config.render) | sounding, RENDER)
    if render.audio:
        sound_of(render)
    folder = _free_folder(loaded.name) if out is None else Path(str(out)).expanduser()
    _check_free(folder, settings.count)
    ppm = ppm_again(checkpoint, settings, cache_dir(store_uri(places["uri"])))
    drawn = melodies(checkpoint, settings, ppm)
    files = {melody.file: melody.midi() for melody in drawn}
    # MIDI first: what sounds and what is seen is made of it, and can be made again.
    for name, data in files.items():
        _write(folder / name, data)
    played, remarks = performance(loaded.name, sample_entries(drawn), render)
    for name, data in played.items():
        _write(folder / name, data)
    return Generated(folder, [(folder / melody.file, melody) for melody in drawn], sorted(played), remarks)


def generate_settings() -> list[str]:
    """The names that `generate` knows."""
    sounding = (RENDER + dotted for dotted, _ in fields_of(Render) if dotted != "pictures")
    return [*_sample_names(), *sounding, "out", *PLACES]


def evaluate(folder: str | Path, reference: str | Path, reporter: Reporter | None = None) -> Evaluation:
    """Judge a folder of music beside real music, as `python -m musicexp evaluate DIR reference=REFERENCE` does.

    Args:
        reference: a folder, a data set such as "ryans", or a collection of music21's.
        reporter: who is told how it goes; nobody by default.

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    from musicexp.report.evaluation import evaluate

    cache = cache_dir(store_uri(None))
    return evaluate(str(folder), str(reference), cache, reporter.preparing if reporter else None)


def evaluate_folder(
    words: Sequence[str], reporter: Reporter, written: Literal["always", "if asked for"] = "always"
) -> tuple[Evaluation, Path | None]:
    """`evaluate`, with its page written: where `out` says, or in evaluated/NAME.

    Returns:
        The folder of the page too; None where nothing was written.
    """
    named = [word for word in words if "=" not in word or Path(word).expanduser().is_dir()]
    given = assignments([word for word in words if word not in named], EVALUATE_SETTINGS, EVALUATE_HINT)
    if len(named) != 1 or given.get("reference", "") in ("", None):
        raise SettingError(
            "evaluate wants one folder of music and what to compare it with, "
            "as in `python -m musicexp evaluate melodies reference=ryans`"
        )
    out = given.get("out")
    if out is not None and (not isinstance(out, (str, int)) or isinstance(out, bool) or out == ""):
        raise SettingError(f"out must be a folder's name, not {out!r}")
    place = None
    if out is not None:
        place = Path(str(out)).expanduser()
        _check_no(place, ("music.html", "music.json"))
    elif written == "always":
        place = _free_folder(Path(named[0]).resolve().name, EVALUATED)
    found = evaluate(named[0], str(given["reference"]), reporter)
    if place is not None:
        from musicexp.report.evaluation import evaluation_files

        for name, data in evaluation_files(found).items():
            _write(place / name, data)
    return found, place


def _check_free(folder: Path, count: int) -> None:
    """
    Raises:
        SettingError: the folder holds a file that would be written.
    """
    suffixes = (".mid", ".ogg")
    names = [f"sample_{k}{suffix}" for k in range(1, count + 1) for suffix in suffixes]
    _check_no(folder, [*names, "score.svg", "player.html"])


def _check_no(folder: Path, names: Sequence[str]) -> None:
    """
    Raises:
        SettingError: the folder is a file, or holds one of these.
    """
    if folder.is_file():
        raise SettingError(f"out={folder} is a file; name a folder")
    there = [name for name in names if (folder / name).exists()]
    if there:
        raise SettingError(
            f"out={folder} holds {there[0]} already; name another folder, so that nothing is lost"
        )


def _write(path: Path, data: bytes) -> None:
    try:
        write_whole(path, data)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written: {error.strerror or error}; name another folder with out=DIR"
        ) from error


def _sample_names() -> list[str]:
    return [dotted for dotted, _ in fields_of(Samples) if dotted != "every"]  # nothing learns here


def _free_folder(name: str, parent: str = GENERATED) -> Path:
    """PARENT/NAME, or with -2, -3 ... behind it where that is taken."""
    safe = re.sub(r"[^\w.-]+", "_", name).strip(".").encode()[:100].decode(errors="ignore") or "run"
    candidate, number = Path(parent, safe), 1
    while candidate.exists():
        number += 1
        candidate = Path(parent, f"{safe}-{number}")
    return candidate


def compare(*words: str) -> Comparison:
    """Put runs side by side, as `python -m musicexp compare WORDS` does; as plain values.

    Args:
        words: ids, names or `last`; or "study=NAME" or "experiment=NAME", with "top=5".

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    given = assignments([word for word in words if "=" in word], COMPARE_SETTINGS, COMPARE_HINT)
    named = [word for word in words if "=" not in word]
    chosen = {key: _name(key, given[key]) for key in ("study", "experiment") if key in given}
    if len(chosen) + bool(named) != 1:
        raise SettingError(
            "compare wants runs (ids, names or `last`), or study=NAME, or experiment=NAME, and one of these alone, "
            "as in `python -m musicexp compare last other` or `python -m musicexp compare study=report`"
        )
    if named and "top" in given:
        raise SettingError(
            "top goes with study=NAME or experiment=NAME; of runs that are named all are compared"
        )
    top = given.get("top", BEST_COMPARED)
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MOST_COMPARED:
        raise SettingError(f"top must be a whole number, at least 1 and at most {MOST_COMPARED}, not {top!r}")
    store = _store_of(given, chosen.get("experiment"))

    from musicexp.report import compare_runs

    return compare_runs(store, named, study=chosen.get("study"), experiment="experiment" in chosen, top=top)


def export(reference: str, folder: str | Path, *words: str) -> Path:
    """Write a run as a folder that anybody can open, as `python -m musicexp export RUN DIR` does.

    Args:
        reference: an id, a name or `last`.
        folder: one that is not there yet, or empty.
        words: such as "references=false".

    Returns:
        The folder.

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    return _exported(reference, Path(folder), words).folder


def export_words(words: Sequence[str]) -> Exported:
    """`export` of a command line."""
    settings = [word for word in words if word.partition("=")[0] in EXPORT_SETTINGS and "=" in word]
    named = [word for word in words if word not in settings]
    flags = [word for word in named if word.startswith("--")]
    if flags:
        raise SettingError(f"unknown flag {flags[0]}: settings are written setting=value, without dashes")
    if len(named) > 2 and (strange := [word for word in named if "=" in word]):
        assignments(strange, EXPORT_SETTINGS, EXPORT_HINT)  # says which setting it may have meant
    if len(named) != 2:
        raise SettingError(
            "export wants a run (its id, its name, or `last`) and a folder, as in `python -m musicexp export last for-anna`"
        )
    return _exported(named[0], Path(named[1]), settings)


def _exported(reference: str, folder: Path, words: Sequence[str]) -> Exported:
    given = assignments(words, EXPORT_SETTINGS, EXPORT_HINT)
    references = given.get("references", True)
    if not isinstance(references, bool):
        raise SettingError(f"references must be true or false, not {references!r}")
    from musicexp.report.export import check_target, export_run

    check_target(folder.expanduser())
    store = _store_of(given)
    found = store.find(reference, last_with="config.yaml")
    return export_run(found, store.experiments().get(found.experiment_id, ""), folder, references=references)


def _name(key: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or value == "":
        raise SettingError(f"{key} must be a name, not {value!r}")
    return str(value)


def _store_of(given: Mapping[str, Any], experiment: str | None = None) -> Store:
    """The store that the settings tracking.uri and tracking.experiment name; it must be there."""
    tracking = compose([]).tracking
    places = {
        "uri": given.get("tracking.uri"),
        "experiment": experiment or given.get("tracking.experiment", tracking.experiment),
    }
    checked: Tracking = build_part(Tracking, dataclasses.asdict(tracking) | places, "tracking.")
    return open_store(store_uri(checked.uri), checked.experiment, create=False)


def describe(*words: str, reporter: Reporter | None = None) -> Description:
    """What a data set holds, as `python -m musicexp data WORDS` tells; nothing is trained.

    Args:
        words: such as "dataset=ryans", "tokens=events"; with "out=DIR" the page is written too.
        reporter: who is told how it goes; nobody by default.

    Raises:
        MusicexpError: wrong input or state, in one sentence.
    """
    settings, out = _without_out(words)
    return _described(settings, _out_folder(out), reporter)[0]


def describe_data(words: Sequence[str], reporter: Reporter | None = None) -> tuple[Description, Path]:
    """`describe`, with the page always written: where `out` says, or in data/NAME beside the store.

    Args:
        reporter: lines on standard output by default.
    """
    from musicexp.report import Terminal, page_folder, write_folder

    settings, out = _without_out(words)
    folder = _out_folder(out)
    found, uri = _described(settings, folder, reporter or Terminal())
    if folder is not None:
        return found, folder / "index.html"
    beside = (store_path(uri) or Path(MLRUNS, "mlflow.db").absolute()).parent
    return found, write_folder(page_folder(beside / "data", found.card, found.place), found)


def _described(
    settings: list[str], folder: Path | None, reporter: Reporter | None
) -> tuple[Description, str]:
    """A description and the address of the store; its page is written if a folder is named."""
    config = compose(settings)
    if config.resume:
        raise SettingError(
            f"resume={config.resume} goes with `run`; `data` describes a data set and trains nothing"
        )
    from musicexp.report import check_folder, describe, write_folder

    if folder is not None:
        check_folder(folder)
    uri = store_uri(config.tracking.uri)
    found = describe(config, settings, cache_dir(uri), reporter.preparing if reporter else None)
    if folder is not None:
        write_folder(folder, found)
    return found, uri


def _without_out(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The settings as Hydra wants them, and the words out=DIR."""
    out = [word for word in words if word.partition("=")[0] == "out"]
    return spelt([word for word in words if word not in out]), spelt(out)


def _out_folder(words: list[str]) -> Path | None:
    out = assignments(words, ["out"], DATA_HINT).get("out") if words else None
    if not words:
        return None
    if not isinstance(out, (str, int)) or isinstance(out, bool) or out == "":
        raise SettingError(f"out must be a folder's name, not {out!r}")
    return Path(str(out)).expanduser()


__all__ = ["LoadedRun", "compare", "describe", "export", "generate", "load_run", "run", "run_seeds", "search"]
