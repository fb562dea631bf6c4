"""Cutting a text at its stop strings, for servers that leave them in it, take few of them, or none."""

from __future__ import annotations

from collections.abc import Sequence


class StopCutter:
    """Hands a text on piece by piece up to the first stop string; what may be the beginning of one is held back."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        #: Whether a stop string has come: nothing is handed on any more.
        self.stopped = False

    def feed(self, text: str) -> str:
        """Take the next piece; return what can be handed on."""
        if self.stopped:
            return ""
        if not self._stops:
            return text
        text = self._held + text
        # The one that is complete first: however the text was cut into pieces, it is the same one.
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            return text[: min(found)[1]]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def rest(self) -> str:
        """The text has ended: what was held back."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of the text that begins the stop string."""
    return next((length for length in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:length])), 0)
