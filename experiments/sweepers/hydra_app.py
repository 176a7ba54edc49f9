"""What a user of hydra-optuna-sweeper would write around musicexp: a Hydra application whose task is `run`.

    python hydra_app.py --multirun hydra/sweeper=optuna hydra/sweeper/sampler=tpe 'lr=tag(log,interval(1e-4,1e-1))'

Runs in an environment of its own (environment.py), since the plugin wants an Optuna older than ours.
"""

from __future__ import annotations

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

import musicexp
from musicexp.config import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")
def task(_composed: DictConfig) -> float:
    """Train the configuration as `run` does, and return what is minimised."""
    # `run` composes too, and Hydra composes for one application at a time.
    application, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        return musicexp.run(*HydraConfig.get().overrides.task).likelihoods["val"].nats_per_token
    finally:
        GlobalHydra.instance().hydra = application


if __name__ == "__main__":
    task()
