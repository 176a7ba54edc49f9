"""Make the environment of the hydra-optuna-sweeper arm.

    python experiments/sweepers/environment.py DIR
    python experiments/sweepers/environment.py DIR --lend .venv/lib/python3.11/site-packages

The plugin's last release wants Optuna below 3, musicexp's own `sweep` Optuna 5, so that they cannot share one. Everything
else has the versions of constraints.txt. With --lend nothing is installed twice that another environment of the
same Python has: its packages stand behind the new one's own, which are found first.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ("hydra-optuna-sweeper==1.3.0", "optuna==2.10.1")
CHECK = """
import importlib.metadata as installed
import hydra_plugins.hydra_optuna_sweeper._impl, mlflow, optuna, pytorch_lightning, musicexp
assert optuna.__version__ == "2.10.1", optuna.__version__
names = "hydra-optuna-sweeper", "optuna", "sqlalchemy", "hydra-core", "mlflow", "torch"
print(*(f"{name} {installed.version(name)}" for name in names), sep=", ")
"""


def name_of(requirement: str) -> str:
    """The package that a requirement or constraint is about."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def requirements(lent: bool) -> list[str]:
    """What is installed: the plugin, and musicexp's own requirements but for its Optuna, if nobody lends them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = [text for text in project["dependencies"] if name_of(text) != "optuna"]
    # Without a range of Hydra's, pip would take a version that musicexp does not know.
    return [*PLUGIN, *(text for text in own if not lent or name_of(text) in ("hydra-core", "omegaconf"))]


def make(folder: Path, lent: Path | None) -> Path:
    """Make the environment; its Python."""
    venv.create(folder, with_pip=True, clear=True)
    python = folder.absolute() / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    tested = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    with tempfile.TemporaryDirectory() as scratch:
        constraints = Path(scratch, "constraints.txt")
        constraints.write_text("\n".join(line for line in tested if name_of(line) != "optuna"))
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-c", str(constraints), *requirements(lent is not None)], check=True)
    site = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    places = [ROOT, *([lent.absolute()] if lent else [])]
    Path(site, "musicexp_and_lent.pth").write_text("".join(f"{place}\n" for place in places))
    return python


def main() -> None:
    """Make it, and see that it works."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="made anew; what was in it is gone")
    parser.add_argument("--lend", type=Path, metavar="SITE_PACKAGES", help="another environment's packages")
    given = parser.parse_args()
    if given.lend and not (given.lend / "torch").is_dir():
        parser.error(
            f"{given.lend} holds no torch; name the site-packages of an environment with musicexp's needs"
        )
    python = make(given.folder, given.lend)
    subprocess.run([str(python), "-c", CHECK], check=True)
    print(python)


if __name__ == "__main__":
    sys.exit(main())
