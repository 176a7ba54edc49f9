"""The grammar of tokens that are whole in themselves: any may follow any other."""

from __future__ import annotations

import numpy as np

from musicexp.tokens.tokenizer import Mask
from musicexp.tokens.vocabulary import EOS, Vocabulary


class AnyOrder:
    """Any token may follow any other; a melody does not end before its first note."""

    def __init__(self, vocabulary: Vocabulary, silent: str | None = None) -> None:
        """
        Args:
            silent: what the tokens that are no note begin with.
        """
        self.notes = 0
        self._sounds = np.array([silent is None or not t.startswith(silent) for t in vocabulary.tokens])
        self._sounds[: vocabulary.first] = False
        self._anything = np.ones(len(vocabulary), dtype=bool)
        self._anything[: vocabulary.first] = False
        self._anything[EOS] = True
        self._no_end = self._anything.copy()
        self._no_end[EOS] = False

    def allowed(self) -> Mask:
        return self._anything if self.notes else self._no_end

    def advance(self, token_id: int) -> None:
        self.notes += int(self._sounds[token_id])
