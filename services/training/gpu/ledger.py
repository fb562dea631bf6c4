"""The result file of a step: each piece of work is written as it is done, and is not done again."""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from services.training.gpu.budget import Budget
from services.training.gpu.parts import write_json

NO_GPU = "no NVIDIA GPU"
_TRACE_CHARACTERS = 2000


class Stop(Exception):
    """The budget is used up, or the run was asked to stop: what is left is for the next time."""


class Skip(Exception):
    """A piece of work cannot be done on this machine; the message says why."""


class Ledger:
    """One step's file in a folder.

    It is a document with ``status`` (``partial`` until all is done), ``machine``, and by its name for each piece of
    work its ``status`` (``done``, ``skipped``, ``failed``) with ``result`` or ``why``, and the seconds that it took.
    """

    def __init__(self, step: str, folder: Path, budget: Budget, machine: Mapping[str, Any]) -> None:
        self._path = folder / f"{step}.json"
        self.folder = folder
        self.budget = budget
        self._document: dict[str, Any] = {"step": step, "work": {}}
        if self._path.exists():
            self._document = json.loads(self._path.read_text(encoding="utf-8"))
        self._document |= {"status": "partial", "machine": dict(machine)}
        self._save()

    def do(self, name: str, work: Callable[[], Any], needs_s: float = 0.0) -> Any:
        """Do a piece of work unless it was done, and return its result; None if it cannot be or failed.

        Args:
            name: of the work.
            work: returns what JSON can hold. It raises Skip where it cannot be done; a package that is missing
                comes to the same. Any other exception is noted as a failure. Both are tried again the next time.
            needs_s: seconds that it takes at least: with less left it is not begun.

        Raises Stop.
        """
        noted = self._document["work"].get(name)
        if noted is not None and noted["status"] == "done":
            return noted["result"]
        if self.budget.left_s() <= needs_s:
            raise Stop
        print(f"{self._document['step']}: {name}", file=sys.stderr, flush=True)
        began = time.monotonic()
        told: dict[str, Any]
        try:
            told = {"status": "done", "result": work()}
        except Stop:
            raise
        except Skip as why:
            told = {"status": "skipped", "why": str(why)}
        except ModuleNotFoundError as missing:
            told = {"status": "skipped", "why": f"{missing.name} is not installed"}
        except Exception as error:  # the other work has results all the same
            told = {"status": "failed", "why": f"{type(error).__name__}: {error}",
                    "trace": traceback.format_exc()[-_TRACE_CHARACTERS:]}  # fmt: skip
            print(f"  failed: {told['why'][:300]}", file=sys.stderr, flush=True)
        self._document["work"][name] = {**told, "took_s": round(time.monotonic() - began, 2)}
        self._save()
        return told.get("result")

    def results(self) -> dict[str, Any]:
        """Those that are there, by name."""
        return {name: one["result"] for name, one in self._document["work"].items() if one["status"] == "done"}

    def finish(self) -> None:
        """All that there is to do is done, or has failed."""
        failed = any(one["status"] == "failed" for one in self._document["work"].values())
        self._document["status"] = "failed in part" if failed else "done"
        self._save()

    def _save(self) -> None:
        write_json(self._path, self._document)


def status_of(path: Path) -> str | None:
    """The status in a step's file; None if there is none."""
    return json.loads(path.read_text(encoding="utf-8"))["status"] if path.exists() else None
