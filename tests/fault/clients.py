"""Robots as clients: each sends behaviours and follows their events, through whatever breaks meanwhile."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, field

import httpx

TERMINAL = {"done", "error", "cancelled"}
#: Longest that a client keeps trying; a fault that outlasts it has lost something.
PATIENCE_S = 90.0


@dataclass
class Followed:
    """One accepted behaviour as its client saw it."""

    marker: str
    id: str = ""
    event_ids: list[str] = field(default_factory=list)
    terminal: list[str] = field(default_factory=list)
    status: str = ""
    error: str | None = None
    resumed: int = 0
    sent: int = 0


class Client(threading.Thread):
    """Sends one behaviour after another until told to stop; everything that it was promised is in ``behaviors``."""

    def __init__(self, url: str, mode: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._mode = mode
        self._stop_sending = stop
        self.behaviors: list[Followed] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        """Never ends in the middle of a behaviour."""
        try:
            with httpx.Client(base_url=self._url, timeout=httpx.Timeout(10.0)) as http:
                while not self._stop_sending.is_set():
                    behavior = Followed(f"marker-{uuid.uuid4().hex}")
                    self._submit(http, behavior)
                    self.behaviors.append(behavior)
                    self._follow(http, behavior)
        except BaseException as error:  # reported by the test, in its own thread
            self.error = error

    def _submit(self, http: httpx.Client, behavior: Followed) -> None:
        """Send until accepted; the idempotency key makes sending again safe."""
        body = {"instruction": f"Say {behavior.marker}", "mode": self._mode}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            behavior.sent += 1
            try:
                response = http.post("/v1/behaviors", json=body, headers={"Idempotency-Key": behavior.marker})
                if response.status_code == 202:
                    behavior.id = response.json()["id"]
                    return
                if response.status_code not in (429, 502, 503):
                    raise AssertionError(f"{response.status_code}: {response.text}")
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"not accepted within {PATIENCE_S} s"
            time.sleep(0.05)

    def _follow(self, http: httpx.Client, behavior: Followed) -> None:
        """Follow to the end of the stream, taking up a broken one after the last event seen."""
        deadline = time.monotonic() + PATIENCE_S
        while not behavior.terminal:
            headers = {"Last-Event-ID": behavior.event_ids[-1]} if behavior.event_ids else {}
            try:
                with http.stream("GET", f"/v1/behaviors/{behavior.id}/events", headers=headers) as response:
                    if response.status_code == 200:
                        self._read(response, behavior)
                    elif response.status_code != 503:
                        response.read()
                        raise AssertionError(f"{response.status_code}: {response.text}")
            except httpx.TransportError:
                pass
            if not behavior.terminal:
                behavior.resumed += 1
                assert time.monotonic() < deadline, f"{behavior.id} did not end within {PATIENCE_S} s"
                time.sleep(0.05)

    @staticmethod
    def _read(response: httpx.Response, behavior: Followed) -> None:
        event_id = name = ""
        for line in response.iter_lines():
            kind, _, value = line.partition(": ")
            if kind == "id":
                event_id = value
            elif kind == "event":
                name = value
            elif kind == "data":
                behavior.event_ids.append(event_id)
                if name in TERMINAL:
                    behavior.terminal.append(name)
                    document = json.loads(value)
                    behavior.status = document["status"]
                    behavior.error = (document["error"] or {}).get("code")
