from __future__ import annotations

import io
import os
import time

import pytest

from services.embedded.console import Console

SAY = {"service": "ALTextToSpeech", "method": "say", "args": ["Hello\x1b[2J"], "at_s": 0.5, "took_s": 1.25}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, no_color: str = "") -> str:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm")
    console = Console(out, io.StringIO())
    console.event("step", {"step": 1, "goal": "greet", "target": "visitors", "prefer": None, "avoid": "walking"})
    console.event("statement", {"line": 1, "step": 1, "source": "for _ in range(2):\n    ALMotion.wakeUp()"})
    console.event("action", SAY | {"interrupted": False})
    console.event("action", SAY | {"interrupted": True})
    return out.getvalue()


def test_plain_text_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(io.StringIO(), monkeypatch) == (
        "plan     1. greet (target: visitors; avoid: walking)\n"
        "program  for _ in range(2):\n"
        "             ALMotion.wakeUp()\n"
        'robot      0.50 s  ALTextToSpeech.say("Hello\\u001b[2J")  took 1.25 s\n'
        'robot      0.50 s  ALTextToSpeech.say("Hello\\u001b[2J")  interrupted after 1.25 s\n'
    )


def test_colour_on_a_terminal_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\033[36mplan" in shown(Terminal(), monkeypatch)
    assert "\033" not in shown(Terminal(), monkeypatch, no_color="1")


def test_a_model_cannot_command_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    Console(out, io.StringIO()).event(
        "step", {"step": 1, "goal": "\033]0;owned\a", "target": None, "prefer": None, "avoid": None}
    )
    assert out.getvalue() == "plan     1. \\x1b]0;owned\\x07\n"


def test_progress_tells_each_stage_once_where_no_line_can_be_replaced() -> None:
    progress = io.StringIO()
    console = Console(io.StringIO(), progress)
    for waiting in (("router", "gateway", "worker", "engine"), ("router", "worker", "engine"), ("router",)):
        for _ in range(3):
            console.waiting(waiting)
    assert progress.getvalue().splitlines() == [
        "Starting: engine (loads the model), worker (has the engine read its prompt), robot gateway, router …",
        "Ready: robot gateway",
        "Ready: engine, worker",
    ]


def test_progress_stands_in_one_line_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    progress = Terminal()
    console = Console(io.StringIO(), progress)
    for waiting in (("router", "engine"), ("router", "engine"), ("router",)):
        console.waiting(waiting)
    assert progress.getvalue() == (
        "\r\033[KStarting: engine (loads the model), router … 0 s\r\033[KStarting: router … 0 s"
    )


@pytest.mark.parametrize(
    ("load", "last_event", "line"),
    [
        (9.2, "", "Wait: the model is writing … (load 9 on 2 cores: this machine is busy)\n"),
        (1.0, "step", "Wait: the model is writing …\n"),
        (1.0, "action", "Wait: the robot acts …\n"),
    ],
)
def test_silence_is_explained(monkeypatch: pytest.MonkeyPatch, load: float, last_event: str, line: str) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    progress = io.StringIO()
    Console(io.StringIO(), progress).silence(last_event)
    assert progress.getvalue() == line
