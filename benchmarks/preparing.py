"""The child of store_size.py: prepares a folder of music, and imports nothing else that would take memory.

    python benchmarks/preparing.py FOLDER CACHE

Tells on standard output how far it is, then where the store lies and how many seconds it took.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from musicexp.config import Config, compose
from musicexp.data import prepare_store


def config_of(corpus: Path) -> Config:
    """The default settings on a folder."""
    return compose(["dataset=midi", f"dataset.path={json.dumps(str(corpus))}"])


def main(corpus: str, cache: str) -> None:
    """Prepare."""
    config = config_of(Path(corpus))

    def told(what: str, ready: int, files: int) -> None:
        print(json.dumps([what, ready, files]), flush=True)

    begun = time.perf_counter()
    store = prepare_store(config.dataset, config.split, config.tokens, Path(cache), progress=told)
    print(json.dumps([str(store.folder), time.perf_counter() - begun]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
