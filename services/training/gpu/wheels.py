"""The Python packages that a GPU machine with torch, Transformers, peft and accelerate lacks, as wheels."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from services.training.gpu.place import ROOT

_REQUIREMENTS = ROOT / "requirements" / "transformers.txt"
#: For reading GGUF files, for our settings and documents, and for the grammars that our static batches import.
NAMES = (
    "annotated-types",
    "gguf",
    "llguidance",
    "pydantic",
    "pydantic-core",
    "pydantic-settings",
    "python-dotenv",
    "typing-extensions",
    "typing-inspection",
)
_PYTHON = "3.12"
_ENTRY = re.compile(r"^(?P<name>\S+?)==[^\n]*(?:\n    --hash[^\n]*)+", re.MULTILINE)
_PLATFORMS = (*(f"manylinux_2_{glibc}_x86_64" for glibc in range(39, 16, -1)), "manylinux2014_x86_64")


class WheelProblem(Exception):
    """The packages cannot be had; the message says what to do."""


def requirements(text: str, names: tuple[str, ...] = NAMES) -> str:
    """The lines of a pinned and hashed requirements file that are about ``names``. Raises WheelProblem."""
    found = {match["name"]: match[0] for match in _ENTRY.finditer(text)}
    if missing := [name for name in names if name not in found]:
        raise WheelProblem(f"{_REQUIREMENTS.name} does not pin {', '.join(missing)}: scripts/lock writes it.")
    return "".join(f"{found[name]}\n" for name in names)


def download(folder: Path) -> None:
    """Fetch the wheels for Python 3.12 on Linux x86-64 as they are pinned. Raises WheelProblem."""
    folder.mkdir(parents=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements(_REQUIREMENTS.read_text(encoding="utf-8")))
        file.flush()
        platforms = [option for platform in _PLATFORMS for option in ("--platform", platform)]
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary", ":all:", "--implementation", "cp", "--python-version", _PYTHON, *platforms,
            "--require-hashes", "--requirement", file.name, "--dest", str(folder),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)  # noqa: S603 - ours
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
        raise WheelProblem(f"pip cannot fetch the packages ({last}): see to the network, or --without-wheels.")


def install(wheels: Path, site: Path) -> None:
    """Unpack the wheels into a folder for Python's path, without a network. Raises WheelProblem."""
    files = sorted(str(wheel) for wheel in wheels.glob("*.whl"))
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index", "--no-deps",
        "--no-compile", "--upgrade", "--target", str(site), *files,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)  # noqa: S603 - ours
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no reason told"])[-1]
        raise WheelProblem(f"the packages of the bundle cannot be installed ({last}): they are for Python {_PYTHON}.")
