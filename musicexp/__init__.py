"""musicexp: train LSTMs on real tunes, track every run, and judge the melodies by loss and by ear.

From Python:

    import musicexp
    result = musicexp.run("model=lstm1", "iterations=200")
    musicexp.run_seeds("lr=1e-3", seeds=5)
    musicexp.search("lr=tag(log,interval(1e-4,1e-2))", "trials=20").best
    musicexp.generate(result.id, "temperature=0.8")
    musicexp.load_run("last").checkpoint().model()
    musicexp.evaluate("melodies", "ryans").judgement.sets[0].stands["groove"].auc
    musicexp.describe("dataset=ryans").music.keys
    musicexp.report.comparison_frame(musicexp.compare("study=report"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicexp.api import compare, describe, evaluate, export, generate, load_run, run, run_seeds, search

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "compare",
    "describe",
    "evaluate",
    "export",
    "generate",
    "load_run",
    "run",
    "run_seeds",
    "search",
]


def __getattr__(name: str) -> Any:
    # Late, so that `musicexp --help` and completion stay free of torch, Lightning and MLflow.
    if name in __all__:
        from musicexp import api

        return getattr(api, name)
    raise AttributeError(f"module 'musicexp' has no attribute {name!r}")
