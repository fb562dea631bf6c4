"""The trace of a replay: when which instruction was asked for, by hand or as an earlier run recorded it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from loadtest.traffic.mix import Instruction, instructions


class BadTrace(ValueError):
    """The trace cannot be replayed; the message is one sentence that says where and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request: seconds after the trace's begin."""

    at_s: float
    instruction: Instruction
    robot: str


def read_trace(path: str) -> list[Entry]:
    """The entries of a file in the order of their times, the first at 0. Raises BadTrace.

    A line is a JSON object with ``item`` (an instruction's id) and ``at_s``, or, as in records, ``sent_at_s``; and the
    ``robot``, if it has one. A last line without an end was cut off, as by a full disk, and is left out.
    """
    try:
        with Path(path).open(encoding="utf-8") as lines:
            entries = [
                _entry(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.endswith("\n")
            ]
    except OSError as error:
        raise BadTrace(f"The trace {path} cannot be read: {error.strerror}; name another with --trace.") from None
    except UnicodeDecodeError:
        raise BadTrace(f"The trace {path} is not text in UTF-8; name another with --trace.") from None
    if not entries:
        raise BadTrace(f'The trace {path} has no entry; a line is such as {{"at_s": 0.5, "item": "en-wave"}}.')
    entries.sort(key=lambda entry: entry.at_s)
    begin = entries[0].at_s
    return [Entry(entry.at_s - begin, entry.instruction, entry.robot) for entry in entries]


def _entry(line: str, where: str) -> Entry:
    try:
        values = json.loads(line)
        at_s = float(values["at_s"] if "at_s" in values else values["sent_at_s"])
        item, robot = values["item"], str(values.get("robot", "robot-replay"))
    except (ValueError, KeyError, TypeError):
        raise BadTrace(
            f'{where} is no entry of a trace: write one such as {{"at_s": 0.5, "item": "en-wave"}}.'
        ) from None
    if item not in instructions():
        raise BadTrace(
            f"{where}: there is no instruction {item!r}; loadtest/traffic/instructions.toml has those there are."
        )
    return Entry(at_s, instructions()[item], robot)
