"""`run`: settings in Hydra's grammar, checked before anything starts; what is Hydra's own to do, it does."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from musicexp.errors import SettingError

CFG, INFO = ("--cfg", "-c"), ("--info", "-i")
TAKES_A_WORD = (*CFG, "--package", "-p")
ALONE = ("--multirun", "-m", "--run", "-r", "--resolve", "--hydra-help")
SEEDS = ("seeds", "sweep.seeds")
"""How often a configuration is trained is no setting of a run: it makes several."""
INFOS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
CFGS = ("job", "hydra", "all")


def main(words: Sequence[str]) -> int:
    """Check the words, then train, or let Hydra do what its flags and settings ask for."""
    if "--help" in words or "-h" in words:
        from musicexp.cli.settings_help import run_help

        print(run_help())
        return 0
    flags, given = sorted_out(words)
    from musicexp.api import check_resume, check_seeds, preset_length
    from musicexp.config import Config, assignments, compose, compose_each, launch, spelt

    several = [word for word in given if word.partition("=")[0] in SEEDS]
    overrides = spelt([word for word in given if word not in several])
    seeds = assignments(several[-1:], SEEDS, "")[several[-1].partition("=")[0]] if several else 1

    multirun = "--multirun" in words or "-m" in words
    configs = compose_each(overrides) if multirun else [compose(overrides)]
    for config in configs:
        check_resume(config, overrides)
        check_seeds(config, seeds)
    if len(configs) > 1 and any(config.initial == "last" for config in configs):
        raise SettingError(
            "initial=last means another run for each of several configurations, since each becomes the last; give the id or the name of one"
        )

    lengths = {config.experiment: preset_length(config) for config in configs}

    def job(config: Config) -> None:
        from musicexp.api import conduct_run, conduct_several

        if seeds == 1:
            conduct_run(config, whole=lengths[config.experiment])
        else:
            conduct_several(config, seeds, whole=lengths[config.experiment])

    if not flags and not any(word.lstrip("+~").startswith("hydra") for word in overrides):
        job(configs[0])  # Hydra would compose the same twice more, before anything that can be seen
        return 0
    logging.raiseExceptions = False  # `run --info | head` closes the pipe; Hydra's log need not say so
    launch(flags, overrides, job)
    return 0


def sorted_out(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Hydra's flags with the words that these take, and the overrides.

    Raises:
        SettingError: a flag is unknown, lacks its word, or would swap our conf/ for another.
    """
    flags: list[str] = []
    overrides: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        flag, _, attached = word.partition("=")
        if not word.startswith("-"):
            overrides.append(word)
            continue
        flags.append(word)
        if flag in TAKES_A_WORD:
            given = attached or (rest.pop(0) if rest else "")
            if not given or (flag in CFG and given not in CFGS):
                allowed = f" ({' '.join(CFGS)})" if flag in CFG else ""
                raise SettingError(
                    f"{flag} wants a word behind it{allowed}, not {given or 'nothing'!r}, as in `--cfg job`"
                )
            flags += [given] if not attached else []
        elif flag in INFO:
            if rest and rest[0] in INFOS:
                flags.append(rest.pop(0))
        elif word not in ALONE:
            raise SettingError(
                f"unknown flag {word}: settings are written setting=value, without dashes; "
                "flags are --multirun --cfg --info --resolve --package --help"
            )
    return flags, overrides
