"""Compile the kernels. Imports nothing but the standard library, so that `make` can call it by its path at no cost."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

SOURCES = Path(__file__).parent
BUILT = SOURCES / "built"
FLAGS = (
    *("-O3", "-std=c++20", "-fPIC", "-fopenmp", "-fno-math-errno", "-ffp-contract=fast"),
    *("-fvisibility=hidden", "-Wall", "-Wextra", "-Werror=return-type"),
)
"""No -ffast-math: it would flush subnormal numbers in the whole process that loads the library."""
AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma")
INSTRUCTION_SETS: dict[str, tuple[int, tuple[str, ...]]] = {
    "portable": (16, ()),
    "avx2": (32, ("-mavx2", "-mfma")),
    "avx512": (64, AVX512),
    "avx512bf16": (64, (*AVX512, "-mavx512bf16")),
}
"""Bytes of a vector, and the compiler's flags; the order is that of library.cpp."""


class BuildError(Exception):
    """The kernels cannot be compiled here; the message says why."""


def sets() -> dict[str, tuple[int, tuple[str, ...]]]:
    """The instruction sets that are compiled on this kind of machine."""
    return INSTRUCTION_SETS if platform.machine() in ("x86_64", "AMD64") else {"portable": (16, ())}


@cache
def library() -> Path:
    """Where the library of these very sources is, or would be; asked once, for a process that runs while the sources
    change keeps its Python too."""
    stamp = hashlib.sha256(f"{FLAGS}{sets()}{platform.machine()}{sys.platform}".encode())
    for source in sorted(SOURCES.glob("*.[ch]pp")):
        stamp.update(source.read_bytes())
    return BUILT / f"kernels-{stamp.hexdigest()[:16]}.so"


def built() -> Path | None:
    """The library, if it was built."""
    path = library()
    return path if path.is_file() else None


def compiler() -> str:
    """The C++ compiler: $CXX, or the first of c++, g++ and clang++ on the path.

    Raises:
        BuildError: there is none.
    """
    for name in filter(None, (os.environ.get("CXX"), "c++", "g++", "clang++")):
        if shutil.which(name):
            return name
    raise BuildError("no C++ compiler was found (looked for $CXX, c++, g++ and clang++)")


def build() -> Path:
    """Compile what is not compiled yet, and give the library.

    Raises:
        BuildError: there is no compiler, it fails, or the folder cannot be written.
    """
    path = library()
    if path.is_file():
        return path
    name = compiler()
    with tempfile.TemporaryDirectory(prefix="musicexp-kernels-") as folder:
        here = Path(folder)
        jobs = [
            (
                here / f"{kind}.o",
                (*flags, f"-DINSTRUCTION_SET={kind}", f"-DVECTOR_BYTES={size}", "-c", "kernels.cpp"),
            )
            for kind, (size, flags) in sets().items()
        ]
        jobs.append((here / "library.o", ("-c", "library.cpp")))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(lambda job: _compile([name, *FLAGS, *job[1], "-o", str(job[0])]), jobs))
        whole = here / "kernels.so"
        _compile([name, "-shared", "-fopenmp", *(str(job[0]) for job in jobs), "-o", str(whole)])
        try:
            BUILT.mkdir(exist_ok=True)
            # Moved in one go: another process sees the whole library or none.
            beside = path.with_suffix(f".{os.getpid()}")
            shutil.copyfile(whole, beside)
            beside.replace(path)
            for old in BUILT.glob("kernels-*.so"):
                if old != path:
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise BuildError(f"{BUILT} cannot be written: {error.strerror}") from error
    return path


def _compile(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, check=False, cwd=SOURCES, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise BuildError(f"{command[0]} failed: {lines[0] if lines else f'exit code {done.returncode}'}")


def main() -> int:
    """Build, and say in one line what came of it. Without a compiler all is well too: other paths are there."""
    quiet = "--quiet" in sys.argv[1:] and built() is not None
    try:
        path = build()
    except BuildError as error:
        print(
            f"The native recurrence was not built: {error}. Everything works without it, but slower; install a C++ compiler "
            "(such as g++) and run `make setup` or `python -m musicexp.model.native`."
        )
        return 0
    if not quiet:
        print(f"The native recurrence is built: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
