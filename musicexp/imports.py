"""How heavy libraries are imported: without the garbage collector looking at them again and again."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing(*modules: str) -> Iterator[None]:
    """Pause the garbage collector while torch, Lightning and MLflow are imported.

    Args:
        modules: nothing is done where all of these are imported already.

    An import makes a million objects that stay, and next to none that are garbage. The collector looks for some at
    every 700th, which takes a sixth of the time. What was made is counted as old afterwards, as if it had been looked
    at; else the first collection would make up for all those left out.
    """
    known = bool(modules) and all(module in sys.modules for module in modules)
    if known or not gc.isenabled():  # somebody's wish, or we are inside another `importing`
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what somebody has frozen must stay so
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        gc.enable()
