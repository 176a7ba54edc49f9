"""The error tree: everything that is the user's to mend, and nothing else.

    MusicexpError                 one clear sentence, exit code 2, never a traceback
    |-- SettingError              a setting is unknown, of a wrong type or out of range
    |-- MusicError                a file, folder or collection cannot be used as music
    |-- StoreError                the tracking store or a file of a run cannot be read or written
    `-- RunError                  a run is unknown, ambiguous, busy or in the wrong state

A sentence says what is wrong, where, which value, what is allowed and what to do. Anything that is not
a `MusicexpError` is a bug of ours: it ends with a traceback and exit code 1. `assert` guards our own
invariants only.
"""

from __future__ import annotations


class MusicexpError(Exception):
    """Wrong input or state. `str(error)` is the sentence that the user reads."""


class SettingError(MusicexpError):
    """A setting is unknown, has a wrong type, is out of range, or does not go with another."""


class MusicError(MusicexpError):
    """Music cannot be used: no such folder or collection, nothing readable, too little for a split."""


class StoreError(MusicexpError):
    """The tracking store, the cache or a run's file cannot be opened, read or written."""


class RunError(MusicexpError):
    """A run is unknown, its name is borne by several, or its state forbids what was asked."""


class Interruption(BaseException):
    """SIGINT or SIGTERM came. Not an Exception: nothing on its way to the command line may swallow it."""
