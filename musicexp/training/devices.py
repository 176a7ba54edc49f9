"""What a run computes with: devices, threads, and what `auto` stands for on this machine."""

from __future__ import annotations

import torch

from musicexp.config import Config
from musicexp.errors import RunError
from musicexp.model import Resolved, resolve, this_machine
from musicexp.wording import count


def resolved_here(config: Config) -> Resolved:
    """What `auto` stands for here.

    Raises:
        RunError: what is asked for cannot be had here.
    """
    threads = cpu_threads() if config.threads == "auto" else config.threads
    threads = max(1, threads // config.trainer.devices)
    here = this_machine(choose_device(config.trainer.accelerator).type)
    recurrence, precision = _computable(config.recurrence, config.precision, config)
    return resolve(recurrence, precision, config.model.hidden_size, threads, here)


def resolved_again(before: Resolved, config: Config, given: Config) -> Resolved:
    """What a run that was begun goes on with: what it had, unless another path or precision is asked for.

    Args:
        config: the run's own settings.
        given: those of the command that resumes it.

    Raises:
        RunError: that cannot be had here.
    """
    recurrence = before.recurrence if given.recurrence == "auto" else given.recurrence
    precision = before.precision if given.precision == "auto" else given.precision
    if (precision == "fp64") != (before.precision == "fp64"):
        raise RunError(
            f"the run was trained with precision={before.precision}, and precision={precision} has other numbers for its weights; leave precision out, or start a new run"
        )
    here = this_machine(choose_device(config.trainer.accelerator).type)
    recurrence, precision = _computable(recurrence, precision, config)
    return resolve(recurrence, precision, config.model.hidden_size, before.threads, here)


def _computable(recurrence: str, precision: str, config: Config) -> tuple[str, str]:
    """What of recurrence and precision the model leaves to choose: a Transformer is computed by torch alone.

    Raises:
        RunError: it is asked for in another way.
    """
    if config.model.kind != "transformer":
        return recurrence, precision
    if recurrence not in ("auto", "torch"):
        raise RunError(
            f"recurrence={recurrence} is a way to compute an LSTM, and this model is a Transformer; leave recurrence out"
        )
    if precision == "bf16":
        raise RunError(
            "precision=bf16 is for an LSTM, and this model is a Transformer; write precision=fp32, or leave it out"
        )
    return "torch", precision


def cpu_threads() -> int:
    """One thread for each physical core that this process may use."""
    import psutil

    allowed = _cores()
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def _cores() -> int:
    """How many cores, physical or not, this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_device(accelerator: str) -> torch.device:
    """The device to train on.

    Raises:
        RunError: a GPU is asked for and there is none.
    """
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise RunError(
            "trainer.accelerator=gpu, but PyTorch finds no CUDA GPU here; write trainer.accelerator=cpu, or install a CUDA build of torch"
        )
    return torch.device("cuda" if accelerator != "cpu" and torch.cuda.is_available() else "cpu")


def check_devices(config: Config) -> None:
    """Find out whether there are as many devices as are asked for.

    Raises:
        RunError: there are not, or PyTorch was built without what they need to talk to each other.
    """
    trainer = config.trainer
    device = choose_device(trainer.accelerator)
    if trainer.devices == 1:
        return
    asked = f"trainer.devices={trainer.devices}"
    if device.type == "cuda" and trainer.devices > torch.cuda.device_count():
        raise RunError(
            f"{asked}, but PyTorch finds {count(torch.cuda.device_count(), 'CUDA GPU')} here; ask for at most so many, or write trainer.accelerator=cpu"
        )
    if device.type == "cpu" and trainer.devices > _cores():
        raise RunError(
            f"{asked}, but this process may use {count(_cores(), 'CPU core')}, and each device on the CPU is a process of its own; ask for at most so many"
        )
    needed = ["gloo"] if device.type == "cpu" else ["gloo", "nccl"]
    dist = torch.distributed
    missing = [name for name in needed if not (dist.is_available() and dist.is_backend_available(name))]
    if missing:
        raise RunError(
            f"{asked}, but this build of PyTorch lacks {' and '.join(missing)}, over which devices talk to each other; write trainer.devices=1, or install another build"
        )
