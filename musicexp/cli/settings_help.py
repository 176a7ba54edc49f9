"""`--help` of the commands: every setting with its default, its meaning and its range."""

from __future__ import annotations

from collections.abc import Iterator

from musicexp.config import GROUPS, Config, compose, fields_of, options_of, range_of


def run_help() -> str:
    """What `run --help` prints."""
    lines = [
        "python -m musicexp run [group=option ...] [setting=value ...] [flags]",
        "",
        "Groups, each a choice of ready settings:",
        *(f"  {group:12} {' | '.join(options_of(group))}" for group in GROUPS),
        "",
        "Settings with their defaults:",
        *_settings(),
        "  seeds=1",
        "      train so many runs, with seed, seed+1, ..., and say means with 95 % intervals (a whole number, at least 1 and at most 1,000)",
        "",
        "Flags:",
        "  --cfg job     print the composed settings and stop",
        "  --multirun    one run for each value: lr=1e-3,3e-3 seed=0,1",
        "  --info        where Hydra found what",
        "  --package NAME, --resolve   with --cfg: one part only; interpolations resolved",
        "",
        "Examples:",
        "  python -m musicexp run model=lstm1 lr=1e-3 iterations=200",
        "  python -m musicexp run experiment=tuned iterations=20",
        "  python -m musicexp run dataset=midi dataset.path=DIR",
        "  python -m musicexp run resume=last",
    ]
    return "\n".join(lines)


def _settings(beginnings: tuple[str, ...] = ("",)) -> Iterator[str]:
    values = compose([]).flat()
    for dotted, f in fields_of(Config):
        if dotted == "experiment" or not dotted.startswith(beginnings):
            continue
        default = (
            "null"
            if values[dotted] is None
            else str(values[dotted]).lower()
            if isinstance(values[dotted], bool)
            else str(values[dotted])
        )
        yield f"  {dotted}={default.replace(' ', '')}"
        yield f"      {f.metadata['meaning']} ({range_of(dotted)})"


def data_help() -> str:
    """What `data --help` prints."""
    lines = [
        "python -m musicexp data [group=option ...] [setting=value ...] [--json]",
        "",
        "Prepares the data set as `run` would, so that a run finds it ready, and describes it without training: a page",
        "(index.html), its figures (data.json) and what was rejected (rejected.csv), with a summary here. Without any",
        "setting it lists the bundled collections first.",
        "",
        f"  dataset       {' | '.join(options_of('dataset'))}",
        f"  tokens        {' | '.join(options_of('tokens'))}",
        "",
        "Settings with their defaults (those of `run` all stand; these shape the data):",
        *_settings(("dataset.", "split.", "tokens.", "strict")),
        "  out",
        "      the folder of the page (by default data/NAME beside the store, mlruns/data/NAME)",
        "",
        "Flags:",
        "  --json        print data.json instead of the summary",
        "",
        "Examples:",
        "  python -m musicexp data dataset=airds",
        "  python -m musicexp data dataset=midi dataset.path=DIR tokens=events",
        "  python -m musicexp data dataset=midi dataset.path=DIR out=page --json",
    ]
    return "\n".join(lines)


def generate_help() -> str:
    """What `generate --help` prints."""
    from musicexp.config import Render, Samples

    lines = [
        "python -m musicexp generate RUN [setting=value ...]",
        "",
        "RUN is a run's id, its name, or `last`. Without settings the run's own samples are written again.",
        "",
        "Settings (their defaults are those that the run was made with):",
    ]
    for dotted, f in fields_of(Samples):
        if dotted == "every":
            continue  # nothing learns here
        lines += [f"  {dotted}", f"      {f.metadata['meaning']} ({range_of('samples.' + dotted)})"]
    for dotted, f in fields_of(Render):
        if dotted == "pictures":
            continue  # of melodies alone none is drawn
        name = f"render.{dotted}"
        lines += [f"  {name}", f"      {f.metadata['meaning']} ({range_of(name)})"]
    lines += [
        "  out",
        "      the folder that the files are written to (by default generated/NAME)",
        "  tracking.uri, tracking.experiment",
        "      where the run is looked for, as in `run`",
        "",
        "Examples:",
        "  python -m musicexp generate last temperature=[0.8,1.2] count=8 seed=7",
        "  python -m musicexp generate last prime=tune.mid max_notes=64",
    ]
    return "\n".join(lines)
