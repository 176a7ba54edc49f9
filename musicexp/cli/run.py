"""`run`: a Hydra application whose settings are checked before Hydra's own machinery starts."""

from __future__ import annotations

from collections.abc import Sequence

from musicexp.errors import SettingError

TAKES_A_WORD = ("--cfg", "-c", "--package", "-p")
MAY_TAKE_A_WORD = ("--info", "-i")
ALONE = ("--multirun", "-m", "--run", "-r", "--resolve", "--hydra-help")
INFOS = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
CFGS = ("job", "hydra", "all")


def main(words: Sequence[str]) -> int:
    """Check the words, then let Hydra run the job or print what its flags ask for."""
    if "--help" in words or "-h" in words:
        from musicexp.cli.settings_help import run_help

        print(run_help())
        return 0
    overrides = overrides_of(words)
    from musicexp.api import check_resume
    from musicexp.config import Config, compose, compose_each, launch

    multirun = "--multirun" in words or "-m" in words
    configs = compose_each(overrides) if multirun else [compose(overrides)]
    for config in configs:
        check_resume(config, overrides)

    def job(config: Config) -> None:
        from musicexp.api import conduct_run

        conduct_run(config)

    launch(words, overrides, job)
    return 0


def overrides_of(words: Sequence[str]) -> list[str]:
    """The overrides among the words: all but Hydra's flags and the words that these take.

    Raises:
        SettingError: a flag is unknown, lacks its word, or would swap our conf/ for another.
    """
    overrides, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        flag, _, attached = word.partition("=")
        if not word.startswith("-"):
            overrides.append(word)
        elif flag in TAKES_A_WORD:
            given = attached or (rest.pop(0) if rest else "")
            if not given or (flag in ("--cfg", "-c") and given not in CFGS):
                allowed = f" ({' '.join(CFGS)})" if flag in ("--cfg", "-c") else ""
                raise SettingError(
                    f"{flag} wants a word behind it{allowed}, as in `--cfg job`, not {given or 'nothing'!r}"
                )
        elif flag in MAY_TAKE_A_WORD:
            if rest and rest[0] in INFOS:
                rest.pop(0)
        elif word not in ALONE:
            raise SettingError(
                f"unknown flag {word}: settings are written setting=value, without dashes; flags are --multirun --cfg --info --resolve --package --help"
            )
    return overrides
