"""Training: one configuration, one run."""

from musicexp.training.callbacks import Signals
from musicexp.training.conduct import conduct
from musicexp.training.devices import cpu_threads
from musicexp.training.initial import settled
from musicexp.training.judging import judged_model
from musicexp.training.learning import learned
from musicexp.training.material import Material, check, prepare
from musicexp.training.references import Reference, references
from musicexp.training.reporter import Reporter, Silent
from musicexp.training.role import ITS_OWN, Role, Watch
from musicexp.training.seeds import conduct_seeds
from musicexp.training.testing import Tested, test_figures
from musicexp.training.train import RunResult, parameters, train

__all__ = [
    "ITS_OWN",
    "Material",
    "Reference",
    "Reporter",
    "Role",
    "RunResult",
    "Signals",
    "Silent",
    "Tested",
    "Watch",
    "check",
    "conduct",
    "conduct_seeds",
    "cpu_threads",
    "judged_model",
    "learned",
    "parameters",
    "prepare",
    "references",
    "settled",
    "test_figures",
    "train",
]
