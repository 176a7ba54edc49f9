"""What a run trains on: pieces as token ids by side of the split, with baselines counted on the same split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from musicexp.baselines import NAMES, NGram
from musicexp.config import Config
from musicexp.data import sequence
from musicexp.generation import prime_file, read_prime
from musicexp.metrics import Likelihood, likelihood
from musicexp.music import SIDES, Corpus, Side, Split, find_files, read_corpus, split_corpus
from musicexp.music.corpus import Progress
from musicexp.tokens import Ids, Vocabulary, tokenizer
from musicexp.training.callbacks import choose_device

HELD_OUT: tuple[Side, Side] = ("val", "test")


@dataclass(frozen=True)
class Material:
    """Everything about the music that training needs.

    Attributes:
        ids: by side, each piece BOS ... EOS.
        notes: by side, the sounding notes of each piece as read.
        tempo, metre: the corpus's median tempo and commonest metre.
    """

    corpus: Corpus
    split: Split
    vocabulary: Vocabulary
    ids: dict[Side, tuple[Ids, ...]]
    notes: dict[Side, tuple[int, ...]]
    tempo: float
    metre: tuple[int, int]

    def tokens(self, side: Side) -> int:
        return sum(len(piece) - 1 for piece in self.ids[side])

    def baselines(self) -> dict[str, dict[Side, Likelihood]]:
        """Unigram, bigram and trigram, counted on the training pieces, on the held-out ones."""
        found: dict[str, dict[Side, Likelihood]] = {}
        for order, name in NAMES.items():
            model = NGram(order, len(self.vocabulary)).fit(self.ids["train"])
            found[name] = {
                side: likelihood(model.nll_nats(self.ids[side]), self.ids[side], sum(self.notes[side]))
                for side in HELD_OUT
            }
        return found


def check(config: Config) -> None:
    """Find out, at no cost, whether what the settings name is there: music, prime, GPU.

    Raises:
        MusicError: no such folder or collection, no music in it, no such prime.
        RunError: no such device.
    """
    choose_device(config.trainer.accelerator)
    find_files(config.dataset.collection, config.dataset.path)
    if config.samples.prime:
        prime_file(config.samples.prime)


def prepare(config: Config, cache: Path, progress: Progress | None = None) -> Material:
    """Read the data set, split it, and turn it into tokens.

    The vocabulary is that of the whole data set: a token that only a test piece has is thereby possible,
    and costs its true code length instead of being passed over as unknown.

    Raises:
        MusicError: the data set is not there, empty, or too small to split.
    """
    data = config.dataset
    corpus = read_corpus(data.name, data.collection, data.path, cache, limit=data.limit, progress=progress)
    split = split_corpus(corpus, seed=config.split.seed, val=config.split.val, test=config.split.test)
    spelling = tokenizer(config.tokens.kind)
    texts = {side: [spelling.tokens(piece) for piece in split[side]] for side in SIDES}
    vocabulary = spelling.vocabulary([text for side in SIDES for text in texts[side]])
    if config.samples.prime:  # one that does not suit is told now, not when the training is over
        read_prime(config.samples.prime, config.samples.prime_notes, spelling, vocabulary)
    return Material(
        corpus=corpus,
        split=split,
        vocabulary=vocabulary,
        ids={side: tuple(sequence(vocabulary.encode(text)) for text in texts[side]) for side in SIDES},
        notes={side: tuple(len(piece) for piece in split[side]) for side in SIDES},
        tempo=median(piece.tempo for piece in corpus.pieces),
        metre=Counter(piece.metre for piece in corpus.pieces).most_common(1)[0][0],
    )
