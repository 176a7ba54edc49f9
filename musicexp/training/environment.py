"""Where a run was made: code, versions, machine. Told to the run as tags."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import musicexp

PACKAGES = ("torch", "pytorch-lightning", "numpy", "music21", "symusic", "hydra-core", "mlflow")
LARGEST_DIFF = 1_000_000
GIT_SECONDS = 20


@dataclass(frozen=True)
class CodeState:
    """Tags about the code, and the uncommitted change to it (empty if none)."""

    tags: dict[str, str]
    diff: bytes


def code_state() -> CodeState:
    """The git commit of musicexp's own source tree, if it runs from one, and what is changed there."""
    tags = {"musicexp.version": musicexp.__version__, "musicexp.code": code_fingerprint()}
    package = Path(musicexp.__file__).resolve().parent
    # An installed package may lie inside somebody else's repository: it counts only if git tracks it.
    commit = _git(package, "rev-parse", "HEAD") if _git(package, "ls-files", "__init__.py") else b""
    if not commit:
        return CodeState({**tags, "git.commit": "none", "git.dirty": "unknown"}, b"")
    diff = _git(package.parent, "diff", "HEAD", "--binary") or b""
    new = _git(package.parent, "ls-files", "--others", "--exclude-standard", "musicexp", "conf") or b""
    name = commit.decode().strip()
    told = {"git.commit": name, "git.dirty": str(bool(diff or new)).lower(), "mlflow.source.git.commit": name}
    return CodeState({**tags, **told}, diff[:LARGEST_DIFF])


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """A hash of musicexp's own Python files: the same whether it runs from a wheel or a source tree."""
    package = Path(musicexp.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def machine() -> dict[str, str]:
    """Versions and machine."""
    found = {"machine.python": platform.python_version(), "machine.system": platform.platform()}
    found["machine.processor"] = _processor()
    found["machine.cores"] = str(os.cpu_count())
    for package in PACKAGES:
        try:
            found[f"version.{package}"] = version(package)
        except PackageNotFoundError:
            found[f"version.{package}"] = "none"
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def _git(folder: Path, *words: str) -> bytes | None:
    """What git prints, or None where there is no git, no repository or no answer."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
