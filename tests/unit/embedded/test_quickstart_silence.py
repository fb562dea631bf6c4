"""The quick start is never silent for long, and does not repeat itself either."""

from __future__ import annotations

import argparse
import io
import queue
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.embedded import quickstart
from services.embedded.client import Event
from services.embedded.console import Console
from services.embedded.stack import Stack


def test_each_silence_is_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quickstart, "_CHECK_S", 0.01)
    monkeypatch.setattr(quickstart, "_SILENCE_S", 0.1)
    events: queue.SimpleQueue[Event | Exception] = queue.SimpleQueue()
    action: dict[str, Any] = {
        "service": "ALMotion", "method": "rest", "args": [], "at_s": 0.0, "took_s": 1.0, "interrupted": False
    }  # fmt: skip
    for delay, event in ((0.5, Event("1", "action", action)), (1.0, Event("2", "done", {}))):
        threading.Timer(delay, events.put, [event]).start()
    progress = io.StringIO()
    stack = cast(Stack, SimpleNamespace(check=lambda: None))
    console = Console(io.StringIO(), progress)
    quickstart._show_until_done(events, stack, argparse.Namespace(json=False), console)
    lines = [line.partition(" …")[0] for line in progress.getvalue().splitlines()]
    assert lines == ["Wait: the model is writing", "Wait: the robot acts"]
