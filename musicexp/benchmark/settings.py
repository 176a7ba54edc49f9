"""The settings of `benchmark` itself, and which of `run`'s may stand beside them. Light: completion imports it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from musicexp.benchmark.published import PUBLISHED
from musicexp.config import GROUPS, Config, fields_of, spelt
from musicexp.config.build import unknown_setting
from musicexp.config.compose import parsed
from musicexp.errors import SettingError

NAMES = ("pearce",)
FOLDS = 10
FOLDINGS = ("random", "grouped")
HINT = "`python -m musicexp benchmark --help` lists every setting"


@dataclass(frozen=True)
class Effort:
    """How much is trained where the command line does not say.

    Attributes:
        experiment: the preset of conf/experiment/ that every fold begins with: the one home of what is trained.
        tuned: whether settings that `tune=true` found are used.
        pretraining, pretrained: the presets of what is learned first, and of folds that begin with it; None where nobody
            has measured that.
    """

    experiment: str
    sets: tuple[str, ...] = tuple(PUBLISHED)
    folding: tuple[str, ...] = FOLDINGS
    folds: tuple[int, ...] = tuple(range(FOLDS))
    tuned: bool = True
    pretraining: str | None = None
    pretrained: str | None = None


EFFORTS = {
    "ordinary": Effort("pearce", pretraining="pearce_pretraining", pretrained="pearce_pretrained"),
    "quick": Effort(
        "pearce_quick",
        sets=("kinder",),
        folding=("random",),
        folds=(0, 1),
        tuned=False,
        pretraining="pearce_pretraining_quick",
        pretrained="pearce_pretrained_quick",
    ),
    "full": Effort("pearce_full"),
}

READS = {"pitches": ("tokens=pitches",), "rhythm": ("tokens=voice", "seq_length=100")}
"""What a model is told, with the words of `run` by which it is told; with rhythm a note is two tokens, so a window is twice as long."""

SETTINGS = {
    "sets": "which data sets: chorales, kinder",
    "folding": "random: any melody in any fold, as published; grouped: no melody has a near-duplicate in another fold",
    "folds": "which of the ten folds are tested; the published figures are means over all",
    "reads": "pitches: nothing but the pitches so far; rhythm: key, metre, every note's place and duration, and where phrases end too",
    "seeds": "train every fold with so many seeds: seed, seed+1, ...",
    "workers": "processes that train folds side by side, one thread each; auto takes one for each physical core",
    "quick": "two short folds, to see that everything works",
    "full": "six models as one, however long it takes",
    "tuned": "train every fold with the settings of conf/tuned/, where `tune=true` found some; false does not",
    "tune": "first search inside each fold's training part for the settings that it is trained with, and keep them",
    "pretrained": "first learn from the other Essen folk songs, of which none shares a run of 15 intervals with a melody of the set",
    "trials": "with tune=true: how many configurations are tried for each fold",
}
"""With their meanings."""
DEFAULTS = {
    "sets": ",".join(PUBLISHED),
    "folding": ",".join(FOLDINGS),
    "folds": ",".join(map(str, range(FOLDS))),
    "reads": "pitches",
    "seeds": "1",
    "workers": "auto",
    "quick": "false",
    "full": "false",
    "tuned": "true",
    "tune": "false",
    "pretrained": "false",
    "trials": "8",
}
CHOICES = {
    "sets": tuple(PUBLISHED),
    "folding": FOLDINGS,
    "reads": tuple(READS),
    **dict.fromkeys(("quick", "full", "tuned", "tune", "pretrained"), ("true", "false")),
}
"""The values that complete a setting."""
MOST = {"seeds": 100, "workers": 1024, "trials": 10_000}

FREE_OF_THE_DATA = ("dataset.transpose", "split.val", "split.seed")
"""What of data set, tokens and split does not change what is asked."""
WHY_OWN = {
    "dataset": "choose with sets=chorales or sets=kinder",
    "tokens": "choose with reads=pitches or reads=rhythm",
    "experiment": "give settings one by one, or quick=true, or full=true",
    "name": "its runs are named after their folds, so leave it out",
    "initial": "pretrained=true learns from other melodies first, and sees to it that no test melody is among them",
    "resume": "the same command goes on with what was interrupted, so leave it out",
}
"""Settings of runs that the benchmark sets itself."""
OTHER_MODELS = ("model", "optimizer")
"""Groups: who chooses another of these has no use for what was found for the benchmark's own."""


@dataclass(frozen=True)
class Asked:
    """What a command line asks for.

    Attributes:
        effort: a name of `EFFORTS`.
        workers: None for one on each core.
        tuned: whether tuned settings are used where there are some: they are not for a model of another kind, nor for one
            that has learned before.
        pretrained: whether every fold begins with what was learned from other melodies.
        words: settings of the runs.
    """

    effort: str
    sets: tuple[str, ...]
    folding: tuple[str, ...]
    folds: tuple[int, ...]
    reads: str
    seeds: int
    workers: int | None
    tuned: bool
    tune: bool
    pretrained: bool
    trials: int
    words: tuple[str, ...]


def asked(words: Sequence[str]) -> Asked:
    """Read the words behind `benchmark pearce`.

    Raises:
        SettingError: in one sentence, whatever is wrong.
    """
    own: dict[str, str] = {}
    others: list[str] = []
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or key not in SETTINGS:
            others.append(word)
        elif key in own:
            raise SettingError(f"{key} stands twice, as {key}={own[key]} and as {word}; leave one out")
        else:
            own[key] = value
    _check_words(others)
    quick, full, tuned, tune, pretrained = (
        _flag(name, own) for name in ("quick", "full", "tuned", "tune", "pretrained")
    )
    if quick and full:
        raise SettingError("quick=true and full=true do not go together; leave one out")
    if quick and tune:
        raise SettingError(
            "quick=true and tune=true do not go together: what suits so short a training suits no other; leave one out"
        )
    if tune and own.get("tuned") == "false":
        raise SettingError(
            "tune=true and tuned=false do not go together: what is found is what every fold is trained with; leave one out"
        )
    if pretrained:
        _check_pretrained(own, full=full, tune=tune)
    if "trials" in own and not tune:
        raise SettingError(f"trials={own['trials']} goes with tune=true; leave it out, or write tune=true")
    other = [word for word in others if word.partition("=")[0] in OTHER_MODELS]
    if tune and other:
        raise SettingError(
            f"{other[0]} and tune=true do not go together: what is found is kept for the benchmark's own model; "
            "leave one out, or search for that model with `python -m musicexp sweep`"
        )
    effort = "quick" if quick else "full" if full else "ordinary"
    usual = EFFORTS[effort]
    folds = _listed("folds", own, map(str, usual.folds), map(str, range(FOLDS)))
    sets, reads = _listed("sets", own, usual.sets, PUBLISHED), _one_of("reads", own, READS)
    if pretrained and reads == "rhythm" and "chorales" in sets:
        raise SettingError(
            "pretrained=true and reads=rhythm do not go together for the chorales, which tell where phrases end and the songs that are "
            "learned from first do not; write sets=kinder, or leave one out"
        )
    return Asked(
        effort=effort,
        sets=sets,
        folding=_listed("folding", own, usual.folding, FOLDINGS),
        folds=tuple(map(int, folds)),
        reads=reads,
        seeds=_number("seeds", own),
        workers=None if own.get("workers", "auto") == "auto" else _number("workers", own),
        tuned=tuned and usual.tuned and not other and not pretrained,
        tune=tune,
        pretrained=pretrained,
        trials=_number("trials", own),
        words=tuple(spelt(others)),
    )


def _check_pretrained(own: Mapping[str, str], *, full: bool, tune: bool) -> None:
    """Refuse what does not go with `pretrained=true`."""
    if full:
        raise SettingError(
            "full=true and pretrained=true do not go together: six models that learn from thousands of melodies take hours; leave one out"
        )
    if tune:
        raise SettingError(
            "tune=true and pretrained=true do not go together: what suits a model that begins with fresh weights suits no other; leave one out"
        )
    if own.get("tuned") == "true":
        raise SettingError(
            "tuned=true and pretrained=true do not go together: the settings of conf/tuned/ were found for a model that begins with fresh weights; leave one out"
        )


def beside() -> list[str]:
    """The settings of `run` that may stand beside those of `benchmark`."""
    names = [*GROUPS, *(dotted for dotted, _ in fields_of(Config) if dotted not in GROUPS)]
    return [name for name in names if not _own(name)]


def _own(name: str) -> bool:
    if name in WHY_OWN:
        return True
    return name.startswith(("dataset.", "tokens.", "split.")) and name not in FREE_OF_THE_DATA


def _check_words(words: Sequence[str]) -> None:
    names = [*(dotted for dotted, _ in fields_of(Config)), *GROUPS]
    for override in parsed(words):
        key, given = override.key_or_group, override.input_line
        if key not in names:
            raise unknown_setting(key, [*SETTINGS, *names], HINT)
        if override.is_sweep_override():
            raise SettingError(
                f"{given}: every fold is trained with one value; a list is written {key}=[a,b], a search is tune=true"
            )
        if key in WHY_OWN:
            raise SettingError(f"{given}: {key} is set by the benchmark; {WHY_OWN[key]}")
        if _own(key):
            raise SettingError(
                f"{given}: figures compare because all read and split the music alike, so {key} is set by the benchmark; "
                f"of such settings only {', '.join(FREE_OF_THE_DATA)} may be given"
            )


def _listed(
    name: str, own: Mapping[str, str], usual: Iterable[str], allowed: Iterable[str]
) -> tuple[str, ...]:
    """The values of a list such as chorales,kinder, in the order of what is allowed."""
    if name not in own:
        return tuple(usual)
    known = tuple(allowed)
    wanted = [value.strip() for value in own[name].strip("[]").split(",")]
    for value in wanted:
        if value not in known:
            raise SettingError(
                f"{name}={own[name]}: {value!r} is not known; {name} takes some of {', '.join(known)}, with commas between"
            )
        if wanted.count(value) > 1:
            raise SettingError(f"{name}={own[name]}: {value} stands twice; leave one out")
    return tuple(value for value in known if value in wanted)


def _one_of(name: str, own: Mapping[str, str], allowed: Iterable[str]) -> str:
    value, known = own.get(name, DEFAULTS[name]), tuple(allowed)
    if value not in known:
        raise SettingError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    return value


def _flag(name: str, own: Mapping[str, str]) -> bool:
    value = own.get(name, DEFAULTS[name])
    if value not in ("true", "false"):
        raise SettingError(f"{name} must be true or false, not {value!r}")
    return value == "true"


def _number(name: str, own: Mapping[str, str]) -> int:
    value = own.get(name, DEFAULTS[name])
    if not value.isascii() or not value.isdigit() or not 1 <= int(value[:9]) <= MOST[name]:
        auto = ", or auto" if name == "workers" else ""
        raise SettingError(
            f"{name} must be a whole number, at least 1 and at most {MOST[name]:,}{auto}, not {value!r}"
        )
    return int(value)
