"""musicexp: train LSTMs on real tunes, track every run, and judge the melodies by loss and by ear.

From Python:

    import musicexp
    result = musicexp.run("model=lstm1", "iterations=200")
    musicexp.generate(result.id, "temperature=0.8")
    musicexp.load_run("last").checkpoint().model()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicexp.api import generate, load_run, run

__version__ = "0.1.0"
__all__ = ["__version__", "generate", "load_run", "run"]


def __getattr__(name: str) -> Any:
    # Late, so that `musicexp --help` and completion stay free of torch, Lightning and MLflow.
    if name in ("generate", "load_run", "run"):
        from musicexp import api

        return getattr(api, name)
    raise AttributeError(f"module 'musicexp' has no attribute {name!r}")
