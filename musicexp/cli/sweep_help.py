"""`--help` of the commands about studies."""

from __future__ import annotations

from musicexp.config import options_of, sweep_defaults, sweep_settings, told_range


def sweep_help() -> str:
    """What `sweep --help` prints."""
    defaults = sweep_defaults()
    lines = [
        "python -m musicexp sweep 'setting=values' ... [setting=value ...]",
        "",
        "Searches for good settings. A setting is swept by giving it values in Hydra's grammar, in quotes for the shell:",
        "  'lr=tag(log,interval(1e-4,1e-2))'      anything between, by ratios",
        "  'model.hidden_size=interval(64,512)'   anything between; whole numbers where the setting wants them",
        "  'batch_size=choice(8,16,32)'           one of these; batch_size=8,16,32 is the same",
        "  'model.num_layers=range(1,4)'          1, 2, 3: the end does not belong to it",
        f"  search={' | '.join(name for name in options_of('search') if name != 'none')}   a ready-made space; what stands beside it wins",
        "Every other setting is that of `run`. The same command goes on with its study, after a kill or a Ctrl-C too.",
        "",
        "Settings of the sweep with their defaults:",
    ]
    for dotted, f in sweep_settings():
        value = defaults[dotted]
        shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        lines += [f"  {dotted}={shown}", f"      {f.metadata['meaning']} ({told_range(dotted)})"]
    lines += [
        "",
        "Examples:",
        "  python -m musicexp sweep 'lr=tag(log,interval(1e-4,2e-2))' 'batch_size=choice(8,16,32)' trials=20",
        "  python -m musicexp sweep search=report_small confirm=3x5",
        "  python -m musicexp sweep search=report timeout=28800",
        "  python -m musicexp sweep 'lr=choice(1e-3,5e-3)' seeds=5 sampler=grid",
    ]
    return "\n".join(lines)


def worker_help() -> str:
    """What `worker --help` prints."""
    return "\n".join(
        [
            "python -m musicexp worker STUDY [setting=value ...]",
            "",
            "Joins a study that `sweep` began, from this machine or another, and trains trials until the study is over.",
            "",
            "  storage=ADDRESS          the studies' database; else $MUSICEXP_STORAGE, else optuna.db beside the store",
            "  threads=N                for each training; else one for each physical core",
            "  timeout=SECONDS          then the trial in hand is saved, and goes on with another worker",
            "  tracking.uri=ADDRESS     the store that runs go to; else the study's own",
            "  tracking.experiment=NAME the same for the experiment",
            "",
            "Example:",
            "  python -m musicexp worker report storage=postgresql+psycopg://me@server/studies threads=1",
        ]
    )


def studies_help() -> str:
    """What `studies --help` prints."""
    return "\n".join(
        [
            "python -m musicexp studies [STUDY] [storage=ADDRESS] [--json]",
            "",
            "Lists the studies of a database, or tells of one: its best trials, its confirmation, its command.",
            "",
            "  storage=ADDRESS      the studies' database; else $MUSICEXP_STORAGE, else optuna.db beside the store",
            "  tracking.uri=ADDRESS the store beside which it is looked for",
        ]
    )
