"""What is measured with Docker Compose: one deployment, up with one choice after the other."""

from __future__ import annotations

import copy
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from loadtest.comparison.plan import Plan, Turn
from loadtest.comparison.targets import Asked, BackendGone, TargetGone, wait_until_ready
from loadtest.processes import ROOT
from loadtest.tuning.space import BASE, Choice

#: An image that has to be fetched or built, and a model that has to be fetched, compiled and loaded.
_UP_S = 3600.0
_DOWN_S = 300.0
_CONFIG = "TRITON_CONFIG"
_USUAL_CONFIG = "triton_models/tensorrt_llm/1/model.yaml"
_LAST_WORDS = 1500


class Composed:
    """A context manager that takes a deployment down at its end.

    Args:
        env_file: of the deployment.
        choices: what it is to be up with, by name.
        asked: its router, and what that calls the engine.
        say: is told what goes on.
    """

    def __init__(self, env_file: Path, choices: Mapping[str, Choice], asked: Asked, say: Callable[[str], None]) -> None:
        self._env_file = env_file
        self._asked = asked
        self._choices = choices
        self._say = say
        self._up = ""
        self._touched = False

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="tune-")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._folder.cleanup()
        if not self._touched:
            return
        try:
            self._compose({}, _DOWN_S, "down")
        except (subprocess.SubprocessError, OSError) as reason:  # why we end, if anything went wrong, matters more
            self._say(f"docker compose down: {_words(reason)}")

    def asked(self, backend: str) -> Asked:
        return self._asked

    def turns(self, plan: Plan) -> Iterator[Turn]:
        return plan.turns_apart()

    def use(self, backend: str) -> bool:
        if backend == self._up:
            return False
        self._say(f"docker compose up: {backend}")
        try:
            self._touched = True
            self._compose(self.environment(self._choices[backend]), _UP_S, "up", "--detach", "--build", "--wait")
        except FileNotFoundError as error:
            self._touched = False
            raise TargetGone("there is no docker here: install Docker with its Compose plugin") from error
        except subprocess.SubprocessError as error:
            self._up = ""
            raise BackendGone(f"docker compose up: {_words(error)}") from error
        self._up = backend
        wait_until_ready(self._asked)
        return True

    def check(self, backend: str) -> None:
        """Whether it lives is asked over HTTP, before and after each turn."""

    def roots(self, backend: str) -> Mapping[str, int]:
        return {}

    def environment(self, choice: Choice) -> dict[str, str]:
        """The variables of a choice; entries of model.yaml are put into a copy of the deployment's."""
        settings = {**BASE, **choice.settings}
        if not choice.model_yaml:
            return settings
        source = ROOT / read_env_file(self._env_file).get(_CONFIG, _USUAL_CONFIG)
        changed = with_entries(yaml.safe_load(source.read_text(encoding="utf-8")), choice.model_yaml)
        file = Path(self._folder.name) / f"{re.sub(r'[^a-z0-9]+', '-', choice.name.lower())}.yaml"
        file.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
        return {**settings, _CONFIG: str(file)}

    def _compose(self, environment: Mapping[str, str], timeout_s: float, *command: str) -> None:
        subprocess.run(  # noqa: S603 - our own deployment
            ["docker", "compose", "--env-file", str(self._env_file), *command],  # noqa: S607 - whichever is there
            cwd=ROOT, env={**os.environ, **environment}, check=True, capture_output=True, text=True, timeout=timeout_s,
        )  # fmt: skip


def read_env_file(path: Path) -> dict[str, str]:
    """The variables that an env file sets. Raises OSError."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def with_entries(document: Mapping[str, Any], entries: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of nested mappings with some entries set, by names with dots between levels."""
    changed = copy.deepcopy(dict(document))
    for name, value in entries.items():
        *path, last = name.split(".")
        level = changed
        for part in path:
            level = level.setdefault(part, {})
        level[last] = value
    return changed


def _words(error: subprocess.SubprocessError | OSError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return (error.stderr or error.stdout or str(error)).strip()[-_LAST_WORDS:]
    return str(error)
