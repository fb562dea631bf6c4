"""What the quick start shows: progress on standard error, the behaviour as it comes about on standard output."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any, TextIO

_COLOURS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "magenta": "35"}
_LABELS = {"plan": "cyan", "program": "magenta", "robot": "green", "picture": "yellow"}
#: What a service is, where its name alone does not say, and what it does while one waits for it.
_NAMES = {"simulator": "simulated NAO", "porter": "simulated Porter", "gateway": "robot gateway"}
#: What one waits for after an event, where it is not the model alone.
_AFTER = {"statement": "the model is writing on, or the robot acts", "action": "the robot acts"}
_DOING = {"engine": " (loads the model)", "worker": " (has the engine read its prompt)"}


def printable(text: str) -> str:
    """Text of a model or a robot, unable to command the terminal."""
    return "".join(
        character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}" for character in text
    )


def render_call(action: dict[str, Any]) -> str:
    """A robot action as the call that it was."""
    arguments = ", ".join(json.dumps(argument, ensure_ascii=False) for argument in action["args"])
    return printable(f"{action['service']}.{action['method']}({arguments})")


class Console:
    """Writes for people; in colour and in place only on a terminal, and never in colour with NO_COLOR set."""

    def __init__(self, out: TextIO, progress: TextIO) -> None:
        self._out = out
        self._progress = progress
        self._in_place = progress.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = {
            stream: stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
            for stream in (out, progress)
        }
        self._began = time.monotonic()
        self._shown = ""
        self._waited_for: tuple[str, ...] = ()

    def paint(self, text: str, colour: str, stream: TextIO | None = None) -> str:
        """The text in a colour, where the stream (standard output if none is given) shows colours."""
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self._colour[stream or self._out] else text

    # Progress

    def waiting(self, services: tuple[str, ...]) -> None:
        """The services that are not ready yet; where a line cannot be replaced, a further one tells what is new."""
        began = [name for name in services if name not in self._waited_for]
        ready = [name for name in self._waited_for if name not in services]
        self._waited_for = services
        if self._in_place:
            line = f"Starting: {_list(services, _DOING)} … {time.monotonic() - self._began:.0f} s"
            if line == self._shown:
                return
            self._shown = line
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{line[:width]}", end="", file=self._progress, flush=True)
            return
        if ready:
            print(f"Ready: {_list(ready, {})}", file=self._progress, flush=True)
        if began:
            print(f"Starting: {_list(began, _DOING)} …", file=self._progress, flush=True)

    def progress(self, line: str) -> None:
        """A line on standard error, in place of any that is shown there."""
        clear = "\r\033[K" if self._in_place else ""
        print(f"{clear}{self.paint(line, 'dim', self._progress)}", file=self._progress, flush=True)

    def silence(self, last_event: str) -> None:
        """Nothing has come for a while since an event of that name (none yet: empty): what one waits for."""
        doing = _AFTER.get(last_event, "the model is writing")
        load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
        busy = f" (load {load:.0f} on {cores} cores: this machine is busy)" if load > cores else ""
        self.progress(f"Wait: {doing} …{busy}")

    def failure(self, sentence: str) -> None:
        """Why it did not work, on standard error."""
        clear = "\r\033[K" if self._in_place else ""
        print(f"{clear}{self.paint(printable(sentence), 'red', self._progress)}", file=self._progress, flush=True)

    # The behaviour

    def line(self, text: str = "") -> None:
        """A line on standard output."""
        print(text, file=self._out, flush=True)

    def asked(self, instruction: str, around: Sequence[str]) -> None:
        """What the robot is to do, and what it perceives around it."""
        self.line(f"\n{self.paint(instruction, 'bold')}")
        if around:
            self.line(self.paint(f"around it: {printable(', '.join(around))}", "dim"))
        self.line()

    def _labelled(self, label: str, text: str) -> None:
        first, *rest = printable(text).split("\n")
        self.line(f"{self.paint(f'{label:<8}', _LABELS[label])} {first}")
        for line in rest:
            self.line(f"{'':<8} {line}")

    def event(self, name: str, data: dict[str, Any]) -> None:
        """An event of the behaviour: a plan step, a checked statement, a robot action, the end."""
        if name == "step":
            details = [f"{key}: {data[key]}" for key in ("target", "prefer", "avoid") if data[key]]
            self._labelled("plan", f"{data['step']}. {data['goal']}" + (f" ({'; '.join(details)})" if details else ""))
        elif name == "statement":
            self._labelled("program", data["source"])
        elif name == "action":
            self._labelled("robot", f"{data['at_s']:6.2f} s  {render_call(data)}  {_took(data)}")

    def picture(self, place: str) -> None:
        """Where to see what the robot did."""
        self._labelled("picture", place)

    def outcome(self, result: dict[str, Any]) -> None:
        """How it ended, and how long what took."""
        status = result["status"]
        if status == "refused":
            self.line(f"{self.paint('Refused:', 'yellow')} {printable(result['refusal'] or 'no reason given')}")
        elif status == "succeeded":
            count = len(result["actions"])
            self.line(
                self.paint("Succeeded", "green") + f": the robot carried out {count} action{'' if count == 1 else 's'}."
            )
        spans = {
            "waited": "queue_ms",
            "first token": "ttft_ms",
            "first statement": "ttfs_ms",
            "first action": "ttfa_ms",
            "all done": "total_ms",
        }
        timings = [
            f"{words} {_duration(result['timings'][key])}"
            for words, key in spans.items()
            if result["timings"][key] is not None
        ]
        usage = result["usage"]
        tokens = f"{usage['prompt_tokens']} + {usage['completion_tokens']} tokens"
        self.line(self.paint(" · ".join([*timings, tokens, str(result["model"])]), "dim"))


def _list(services: Sequence[str], doing: dict[str, str]) -> str:
    return ", ".join(_NAMES.get(name, name) + doing.get(name, "") for name in reversed(services))


def _took(action: dict[str, Any]) -> str:
    if action["took_s"] is None:
        return "begun, and not answered"
    return f"{'interrupted after' if action['interrupted'] else 'took'} {action['took_s']:.2f} s"


def _duration(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def standard_console(json_only: bool) -> Console:
    """The console of the process; with ``json_only`` standard output is left to the result document."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a terminal that is not UTF-8
    return Console(sys.stderr if json_only else sys.stdout, sys.stderr)
