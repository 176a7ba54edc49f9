"""What `starting` starts: `python -m musicexp` with these words, ended behind its first iteration.

    python benchmarks/first_iteration.py run setting=value ...

The command line is the real one. The one thing that is added are two clocks on the training module, put there when
the run itself imports it, so that nothing is imported sooner than it would be. The last line printed says what
`time.monotonic` showed when the first iteration began and when it had ended, its loss logged and shown.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from musicexp.__main__ import main

MODULE = "musicexp.training.module"


class Clocks(MetaPathFinder, Loader):
    """Imports one module as ever, and puts the clocks on its `LSTMModule`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's own, with this loader around its."""
        found = PathFinder.find_spec(fullname, path, target) if fullname == MODULE else None
        if found is not None:
            self._loader = found.loader
            found.loader = self
        return found

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As the module's own loader does."""
        return self._loader.create_module(spec) if self._loader else None

    def exec_module(self, module: ModuleType) -> None:
        """The module's own code, then the clocks."""
        assert self._loader is not None
        self._loader.exec_module(module)
        training = module.LSTMModule
        start = training.on_train_batch_start

        def begun(itself: Any, batch: Any, batch_idx: int) -> Any:
            self._begun = time.monotonic()
            return start(itself, batch, batch_idx)

        def ended(*_: Any) -> None:
            print(json.dumps([self._begun, time.monotonic()]), flush=True)
            os._exit(0)  # what a run does from here on is not asked

        training.on_train_batch_start = begun
        training.on_train_batch_end = ended


if __name__ == "__main__":
    sys.meta_path.insert(0, Clocks())
    main()
