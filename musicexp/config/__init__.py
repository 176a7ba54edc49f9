"""Settings: Hydra composes the YAML of conf/, frozen dataclasses decide what is allowed.

`compose(overrides)` is the one way from words on a command line to a `Config`. The YAML is the home of
every default; a field states the meaning, the unit and the range, and nothing else. Below `compose`
nobody sees a DictConfig.
"""

from musicexp.config.build import build, build_part, range_of
from musicexp.config.compose import (
    FOLD_TABLES,
    assignments,
    compose,
    compose_each,
    conf_dir,
    fold_tables,
    launch,
    options_of,
    read_config,
    recorded,
    spelt,
    to_yaml,
)
from musicexp.config.settings import (
    GROUPS,
    Config,
    Dataset,
    Model,
    Optimizer,
    Render,
    Samples,
    Split,
    Tokens,
    Tracking,
    choices_of,
    fields_of,
)
from musicexp.config.space import Dimension, Value, word
from musicexp.config.sweeping import (
    Search,
    Sweep,
    compose_search,
    confirmation,
    sweep_defaults,
    sweep_settings,
    told_range,
)

__all__ = [
    "FOLD_TABLES",
    "GROUPS",
    "Config",
    "Dataset",
    "Dimension",
    "Model",
    "Optimizer",
    "Render",
    "Samples",
    "Search",
    "Split",
    "Sweep",
    "Tokens",
    "Tracking",
    "Value",
    "assignments",
    "build",
    "build_part",
    "choices_of",
    "compose",
    "compose_each",
    "compose_search",
    "conf_dir",
    "confirmation",
    "fields_of",
    "fold_tables",
    "launch",
    "options_of",
    "range_of",
    "read_config",
    "recorded",
    "spelt",
    "sweep_defaults",
    "sweep_settings",
    "to_yaml",
    "told_range",
    "word",
]
