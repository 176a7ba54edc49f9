"""From a checkpoint to melodies: used by training, by `generate`, and by whatever wants to listen."""

from musicexp.generation.checkpoint import (
    FILE as CHECKPOINT_FILE,
)
from musicexp.generation.checkpoint import (
    Best,
    Checkpoint,
    generator_states,
    new_model,
    restore_generators,
)
from musicexp.generation.clip import Clip, Clips
from musicexp.generation.counting import ppm_again, ppm_of
from musicexp.generation.melody import Melody, melodies, prime_file, read_prime

__all__ = [
    "CHECKPOINT_FILE",
    "Best",
    "Checkpoint",
    "Clip",
    "Clips",
    "Melody",
    "generator_states",
    "melodies",
    "new_model",
    "ppm_again",
    "ppm_of",
    "prime_file",
    "read_prime",
    "restore_generators",
]
