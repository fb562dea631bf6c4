"""A client of the router's HTTP API: submit an instruction, follow its events, fetch its picture.

Standard library only.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

TERMINAL_EVENTS = frozenset({"done", "error", "cancelled"})
#: The router sends something at least every 10 s while a stream is open.
_SILENCE_S = 30.0
_RECONNECT_S = 0.5
_MOST_RECONNECTS = 20


class RouterProblem(Exception):
    """The router refused; the message is its problem document's one sentence."""


class Event(NamedTuple):
    """One Server-Sent Event: its id, its name and its JSON document."""

    id: str
    name: str
    data: dict[str, Any]


def submit(router_url: str, request: dict[str, Any]) -> str:
    """``POST /v1/behaviors``; returns the behaviour's id.

    Raises:
        RouterProblem: the router did not accept it.
        OSError, http.client.HTTPException: the router cannot be reached.
    """
    connection = http.client.HTTPConnection(urlsplit(router_url).netloc, timeout=_SILENCE_S)
    try:
        connection.request("POST", "/v1/behaviors", json.dumps(request), {"Content-Type": "application/json"})
        response = connection.getresponse()
        document = json.load(response)
    finally:
        connection.close()
    if response.status != http.HTTPStatus.ACCEPTED:
        raise RouterProblem(document["detail"])
    return str(document["id"])


def fetch(router_url: str, path: str) -> bytes:
    """``GET path``; returns the body.

    Raises:
        RouterProblem: the router does not have it.
        OSError, http.client.HTTPException: the router cannot be reached.
    """
    connection = http.client.HTTPConnection(urlsplit(router_url).netloc, timeout=_SILENCE_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise RouterProblem(json.loads(body)["detail"])
    return body


def follow(router_url: str, behavior_id: str) -> Iterator[Event]:
    """The behaviour's events to the terminal one, resumed where it was when the connection breaks.

    Raises:
        RouterProblem: the router knows nothing of the behaviour.
        ConnectionError: it broke more often than is reasonable.
    """
    last_id = "0-0"
    for _ in range(_MOST_RECONNECTS):
        connection = http.client.HTTPConnection(urlsplit(router_url).netloc, timeout=_SILENCE_S)
        try:
            connection.request("GET", f"/v1/behaviors/{behavior_id}/events", headers={"Last-Event-ID": last_id})
            response = connection.getresponse()
            if 400 <= response.status < 500:
                raise RouterProblem(json.load(response)["detail"])
            if response.status == http.HTTPStatus.OK:
                for event in _parse(response):
                    last_id = event.id
                    yield event
                    if event.name in TERMINAL_EVENTS:
                        return
        except (OSError, http.client.HTTPException):
            pass  # try again below, from the last event that was seen
        finally:
            connection.close()
        time.sleep(_RECONNECT_S)
    raise ConnectionError(f"the event stream of {behavior_id} broke {_MOST_RECONNECTS} times")


def _parse(lines: http.client.HTTPResponse) -> Iterator[Event]:
    """The events of a ``text/event-stream`` whose data is one line each, as the router sends it."""
    fields: dict[str, str] = {}
    for line in lines:
        text = line.decode().rstrip("\r\n")
        if text:
            name, _, value = text.partition(":")  # a comment has no name
            fields[name] = value.removeprefix(" ")
        else:
            if "data" in fields:
                yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}
