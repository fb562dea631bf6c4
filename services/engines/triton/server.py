"""Finds the parts of Triton in the nvidia-pytriton wheel and says how to start them."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from services.engines.llamacpp.waiting import wait_briefly
from services.engines.triton.settings import TritonSettings

_STUB = "triton_python_backend_stub"


class TritonMissing(Exception):
    """Why Triton cannot be started on this machine, in one sentence that says what to do."""


def command(settings: TritonSettings, backends: Path) -> list[str]:
    """The server's command line. Ports and addresses are all named: none stays open by default."""
    return [
        str(_carried() / "bin" / "tritonserver"),
        f"--model-repository={settings.model_repository}",
        f"--backend-directory={backends}",
        f"--http-address={settings.host}",
        f"--http-port={settings.http_port}",
        f"--grpc-address={settings.host}",
        f"--grpc-port={settings.grpc_port}",
        f"--metrics-address={settings.host}",
        f"--metrics-port={settings.metrics_port}",
        "--allow-gpu-metrics=false",
    ]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The server's environment: its libraries, and our packages for the models that run in Python.

    Raises:
        TritonMissing: Python has no shared library here, which the process that runs the models is linked to.
    """
    libraries = [_carried().parents[1] / "nvidia_pytriton.libs", Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")]
    name = f"libpython3.{sys.version_info.minor}.so.1.0"
    own = libraries[1] / name
    try:
        ctypes.CDLL(str(own) if own.exists() else name)
    except OSError:
        raise TritonMissing(
            f"there is no {name}: install it (sudo apt-get install libpython3.{sys.version_info.minor})"
        ) from None
    paths = [*map(str, libraries), environ.get("LD_LIBRARY_PATH", "")]
    # Triton's models do not run in this Python, so they are told where its packages are: see model.py.
    packages = [path for path in sys.path if path and Path(path).is_dir()]
    variables = {
        **environ,
        "LD_LIBRARY_PATH": ":".join(filter(None, paths)),
        "PYTHONPATH": ":".join(packages),
    }
    wait_briefly(variables)
    return variables


def backends(environ: Mapping[str, str]) -> Path:
    """A folder laid out as Triton wants it: the backend beside the stub for this Python. Made of links, kept.

    Raises:
        TritonMissing: the wheel is not installed, or has no stub for this Python.
    """
    carried = _carried()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = carried / "python_backend_stubs" / version / _STUB
    if not stub.is_file():
        raise TritonMissing(f"nvidia-pytriton carries no stub for Python {version}: use Python 3.11 or 3.12")
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "robot-behavior-engine" / f"triton-backends-{version}"
    (folder / "python").mkdir(parents=True, exist_ok=True)
    for file in [*(carried / "backends" / "python").iterdir(), stub]:
        if file.is_file():
            _link(folder / "python" / file.name, file)
    return folder


def _link(path: Path, target: Path) -> None:
    """Make ``path`` a link to ``target``, at once, so that others who start a server meanwhile find it whole."""
    if path.is_symlink() and path.readlink() == target:
        return
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.symlink_to(target)
    new.replace(path)


def _carried() -> Path:
    spec = importlib.util.find_spec("pytriton")  # found, not imported: only its files are used
    if spec is None or spec.origin is None:
        raise TritonMissing("nvidia-pytriton is not installed: install requirements/triton.txt")
    return Path(spec.origin).with_name("tritonserver")
