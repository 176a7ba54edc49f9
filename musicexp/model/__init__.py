"""The model, the paths of its recurrence and its sampler: plain PyTorch, ids in and ids out, no music."""

from musicexp.model.lstm import MusicLSTM, State
from musicexp.model.members import Member, Members, MusicModel, members_of, viewpoints_of
from musicexp.model.pooling import Partner, pooled
from musicexp.model.recall import LONGEST, USUAL, Memory, Trust
from musicexp.model.recurrence import Resolved, recurrence, resolve, this_machine
from musicexp.model.sampling import Drawn, Rules, chosen, probabilities, sample
from musicexp.model.steps import Stepper
from musicexp.model.transformer import MusicTransformer

__all__ = [
    "LONGEST",
    "USUAL",
    "Drawn",
    "Member",
    "Members",
    "Memory",
    "MusicLSTM",
    "MusicModel",
    "MusicTransformer",
    "Partner",
    "Resolved",
    "Rules",
    "State",
    "Stepper",
    "Trust",
    "chosen",
    "members_of",
    "pooled",
    "probabilities",
    "recurrence",
    "resolve",
    "sample",
    "this_machine",
    "viewpoints_of",
]
