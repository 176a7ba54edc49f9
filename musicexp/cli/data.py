"""`data`: what a data set holds, on a page and in a few lines, without training on it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from musicexp.cli.flags import JSON, without_json
from musicexp.errors import SettingError


def main(words: Sequence[str]) -> int:
    """Prepare the data set, describe it, write its page; with --json print the figures and nothing else."""
    if "--help" in words or "-h" in words:
        from musicexp.cli.settings_help import data_help

        print(data_help())
        return 0
    settings = without_json(words)
    from musicexp.api import describe_data

    if JSON in words:
        from musicexp.report import Terminal, figures_json

        description, page = describe_data(settings, Terminal(sys.stderr))
        print(figures_json(description), end="")
        print(f"page     {page}", file=sys.stderr)
        return 0
    from musicexp.report import collection_lines, data_lines

    if not settings:
        print("\n".join(collection_lines(_chosen_by())))
    description, page = describe_data(settings)
    print("\n".join(data_lines(description, str(page))))
    return 0


def _chosen_by() -> dict[str, str]:
    """A collection's name -> the setting that chooses it."""
    from musicexp.config import compose, options_of

    found = {}
    for option in options_of("dataset"):
        try:
            collection = compose([f"dataset={option}"]).dataset.collection
        except SettingError:  # one that wants a folder or a name beside it
            continue
        if collection:
            found[collection] = f"dataset={option}"
    return found
