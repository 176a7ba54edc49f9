"""How runs were made, beside their settings: what of it differs, and what of that makes a comparison unfair."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from musicexp.report.comparison import ComparedRun, Surrounding

SPLIT = ("split.seed", "split.val", "split.test", "split.grouped", "split.folds", "split.fold", "split.table")
OTHER_DATA = (
    "the runs were trained and judged on different music, so neither their bits per note nor their nats per token "
    "say which is better"
)
OTHER_SPLIT = (
    "{} differs, so the runs were judged on different pieces, and neither their bits per note nor their nats per "
    "token say which is better"
)
OTHER_VOCABULARY = (
    "the runs have different vocabularies, so their nats per token and perplexities count different tokens and do not "
    "stand side by side"
)
OF_TIME = "seconds and iterations per second tell of this too"
OF_CODE = "the code may be the cause of a difference, as well as a setting"
OF_ROUNDING = "equal settings then give equal figures within rounding, not to the last bit"

Values = tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """What differs in how runs were made, and what may stand side by side; a reason is "" where it may."""

    differing: tuple[Surrounding, ...]
    shared: Mapping[str, str]
    nats_reason: str
    bits_reason: str


def judged(runs: Sequence[ComparedRun]) -> Judged:
    """Weigh how the runs were made. A run that does not say is not taken to differ, but a remark says so."""
    differing: list[Surrounding] = []
    shared: dict[str, str] = {}
    spoilt_nats: list[str] = []
    spoilt_bits: list[str] = []
    for name, read, reason, remark in _looked_at(runs):
        values = tuple(read(run) for run in runs)
        known = {value for value in values if value}
        if len(known) > 1:
            unfair = reason or None
            if unfair:
                spoilt_nats.append(unfair)
                if unfair != OTHER_VOCABULARY:
                    spoilt_bits.append(unfair)
            differing.append(Surrounding(name, values, unfair, "" if unfair else remark))
        elif known and "" in values:
            unknown = "unknown for " + ", ".join(
                run.name for run, v in zip(runs, values, strict=True) if not v
            )
            told = f"{unknown}: whether the comparison is fair in this is not known" if reason else unknown
            differing.append(Surrounding(name, values, None, told))
        elif known and name not in SPLIT:  # those are settings, and stand among them
            shared[name] = values[0]
    differing.sort(key=lambda one: one.unfair is None)
    return Judged(tuple(differing), shared, "; ".join(spoilt_nats), "; ".join(spoilt_bits))


def _looked_at(
    runs: Sequence[ComparedRun],
) -> list[tuple[str, Callable[[ComparedRun], str], str, str]]:
    """(name, its value of a run, why a difference is unfair or "", what else is to be said of a difference)."""

    def of(part: str, key: str) -> Callable[[ComparedRun], str]:
        return lambda run: str(getattr(run, part).get(key, ""))

    found = [("data", of("fingerprints", "data"), OTHER_DATA, "")]
    for name in SPLIT:
        found.append((name, of("settings", name), OTHER_SPLIT.format(name), ""))
    found.append(("vocabulary", of("fingerprints", "vocabulary"), OTHER_VOCABULARY, ""))
    found += [
        ("git commit", of("code", "commit"), "", OF_CODE),
        ("uncommitted changes", of("code", "dirty"), "", OF_CODE),
        ("code", of("code", "fingerprint"), "", OF_CODE),
        ("musicexp", of("code", "version"), "", OF_CODE),
    ]
    found += [(name, of("resolved", name), "", OF_ROUNDING) for name in ("recurrence", "precision")]
    found.append(("threads", of("resolved", "threads"), "", f"{OF_TIME}, and {OF_ROUNDING}"))
    found += [(name, of("versions", name), "", "") for name in _keys(run.versions for run in runs)]
    found += [(name, of("machine", name), "", OF_TIME) for name in _keys(run.machine for run in runs)]
    return found


def _keys(several: Iterable[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(key for each in several for key in each))
