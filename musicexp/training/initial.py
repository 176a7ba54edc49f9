"""`initial`: the finished run whose weights another one begins with."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from musicexp.config import Config
from musicexp.errors import RunError
from musicexp.generation import CHECKPOINT_FILE, Checkpoint
from musicexp.generation.transfer import check_alike, check_fitting, fresh_tokens
from musicexp.tokens import Vocabulary
from musicexp.tracking import MlflowRun, Store, open_store, store_uri
from musicexp.training.devices import resolved_here
from musicexp.wording import count


@dataclass(frozen=True)
class Initial:
    """A run that is begun with.

    Attributes:
        run: its id.
    """

    run: str
    name: str
    checkpoint: Checkpoint

    @property
    def told(self) -> str:
        return f"{self.name} ({self.run})"

    def check(self, config: Config, vocabulary: Vocabulary) -> None:
        """
        Raises:
            RunError: the vocabularies do not suit each other.
        """
        check_fitting(config, vocabulary, resolved_here(config), self.checkpoint, self.told)

    def line(self, vocabulary: Vocabulary) -> str:
        """What the introduction says of it."""
        fresh = len(fresh_tokens(vocabulary, self.checkpoint))
        known = f"it knows {len(vocabulary) - fresh:,} of {len(vocabulary):,} tokens"
        others = f"; {count(fresh, 'token begins', 'tokens begin')} with fresh weights" if fresh else ""
        return f"begins with the weights of run {self.told}: {known}{others}"

    def tags(self, vocabulary: Vocabulary) -> dict[str, object]:
        return {
            "initial.run": self.run,
            "initial.name": self.name,
            "initial.fresh_tokens": len(fresh_tokens(vocabulary, self.checkpoint)),
        }


def initial_of(config: Config, store: Store) -> Initial | None:
    """The run that the settings begin with, with its weights; None where they name none.

    Raises:
        RunError: there is no such run, or several, or it left no weights yet.
        SettingError: its weights do not suit the model.
    """
    if config.initial is None:
        return None
    run = _finished(config.initial, store)
    file = f"{CHECKPOINT_FILE} of run {run.name} ({run.id})"
    found = Initial(run.id, run.name, Checkpoint.from_bytes(run.read(CHECKPOINT_FILE), file))
    check_alike(config, found.checkpoint, found.told)
    return found


def settled(config: Config) -> Config:
    """The settings with `initial` as an id: of what is trained with them several times, all begins alike.

    Raises:
        RunError: as `initial_of`.
        StoreError: there is no store to look into.
    """
    if config.initial is None:
        return config
    tracking = config.tracking
    store = open_store(store_uri(tracking.uri), tracking.experiment, create=False)
    return dataclasses.replace(config, initial=_finished(config.initial, store).id)


def _finished(reference: str, store: Store) -> MlflowRun:
    run = store.find(reference, last_with=CHECKPOINT_FILE)
    if run.status != "FINISHED":
        raise RunError(
            f"initial={reference}: run {run.name} ({run.id}) is not finished ({run.status}); "
            f"go on with it first, as in `python -m musicexp run resume={run.id}`, or name another"
        )
    if not run.has(CHECKPOINT_FILE):
        raise RunError(
            f"initial={reference}: run {run.name} ({run.id}) kept no weights ({CHECKPOINT_FILE} is missing); name another run"
        )
    return run
