"""The token store on disk, and the windows that batches are made of."""

from musicexp.data.prepare import fold_table, prepare_store
from musicexp.data.sequences import Sequences, sequence
from musicexp.data.store import Summary, TokenStore
from musicexp.data.windows import IGNORED, Batch, Windows, padded

__all__ = [
    "IGNORED",
    "Batch",
    "Sequences",
    "Summary",
    "TokenStore",
    "Windows",
    "fold_table",
    "padded",
    "prepare_store",
    "sequence",
]
