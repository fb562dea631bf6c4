"""How many answers are right with some settings: scripts/evaluate on the hand-written instructions."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from loadtest.processes import ROOT, our_environ
from loadtest.tuning.effects import Value

#: Generous for all items on a slow machine; it says what it does meanwhile.
_MOST_S = 4 * 3600.0


class NotEvaluated(Exception):
    """There are no figures; the message says why."""


def passed(settings: Mapping[str, str], items: int | None, folder: Path) -> Value:
    """The share of instructions that the engine does right, the adapter and the grammar in use unless set otherwise.

    Args:
        settings: of the stack, over the quick start's.
        items: how many instructions are drawn; None is all.
        folder: gets the report, and has what an interrupted run goes on from.

    Raises NotEvaluated.
    """
    command = [sys.executable, "-m", "services.training.evaluation", "--variants", "tuned", "--out", str(folder)]
    command += ["--limit", str(items)] if items is not None else []
    for name, value in settings.items():
        command += ["--setting", f"{name}={value}"]
    try:
        status = subprocess.run(  # noqa: S603 - our own code
            command, cwd=ROOT, env=our_environ(), stdout=subprocess.DEVNULL, timeout=_MOST_S, check=False
        ).returncode
    except subprocess.TimeoutExpired:
        raise NotEvaluated(f"scripts/evaluate took more than {_MOST_S / 3600:g} hours") from None
    if status:
        raise NotEvaluated(f"scripts/evaluate ended with status {status}")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    share = report["variants"]["tuned"]["metrics"]["passed"]
    return Value(share["value"], share["low"], share["high"])
