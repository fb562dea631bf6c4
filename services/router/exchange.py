"""One pass-through request at one backend, and what the router keeps of each backend between requests."""

from __future__ import annotations

import contextlib
import errno
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import structlog
from flask import Response
from gevent.lock import BoundedSemaphore

from services.backends.base import BackendError, Failed, TimedOut, Unavailable
from services.backends.circuit import Admission, Circuit
from services.backends.config import BackendConfig
from services.backends.registry import dialect_for
from services.router.body import Share
from services.router.fields import Fields, fields_for_client
from services.router.hangup import HangupWatch, Interrupted
from services.router.metrics import Metrics
from services.router.settings import RouterSettings
from services.router.stopping import LAST_ANSWERS_S, ServerStops, StopWatch
from services.router.upstream import Reply, Unreachable, Upstream, UpstreamError
from services.router.upstream import TimedOut as TooSlow
from services.router.writers import openai_failure, tgi_failure

log = structlog.get_logger(__name__)

# Exact enough without parsing: inside a JSON string these quotes would be escaped. Only time-outs depend on it.
_STREAMING = re.compile(rb'"stream"\s*:\s*true')
#: After what there is room for an event in a stream.
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n")
_BUSY = frozenset({429, 503})
_OWN_FAULT = 500
_READS_IN_A_ROW = 8
#: How long the end of the HTTP body may come after the end of the answer; later, the connection is not kept.
_DRAIN_S = 0.1


class Busy(Exception):
    """The backend has as many requests as it takes at once."""


class _OverTime(Interrupted):
    """The whole exchange has taken as long as it may."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "the answer has taken as long as it may")


class Gate:
    """The way to one backend: its client, its share of the backend's concurrency, its circuit and its time-outs."""

    def __init__(
        self, config: BackendConfig, upstream: Upstream, circuit: Circuit, settings: RouterSettings, metrics: Metrics
    ) -> None:
        self.name = config.name
        self.config = config
        self.upstream = upstream
        self.circuit = circuit
        self.dialect = dialect_for(config)
        self.settings = settings
        self.metrics = metrics
        # The cap is the backend's; each process takes its part of it.
        self.slots = BoundedSemaphore(max(1, config.max_concurrency // settings.router_processes))
        self.active = metrics.active.labels(config.name)
        self.first_byte = {
            streaming: metrics.first_byte.labels(config.name, str(streaming).lower()) for streaming in (False, True)
        }
        key = config.api_key.get_secret_value() if config.api_key is not None else ""
        self.fields = [("Authorization", f"Bearer {key}")] if key else []


class Exchange:
    """One request at a backend and its reply. Closing it frees the slot and, unless all was read, hangs up there.

    Made when the backend's circuit has admitted a request; the circuit is told once how it went.
    """

    def __init__(self, gate: Gate, admission: Admission, client: Any | None, share: Share) -> None:
        """``client`` is the client's gevent socket, None where there is none or the server does not tell it.

        ``share`` is the request body's: held until it is sent on as it is, or, where it is translated, to the end.
        """
        self._gate = gate
        self._admission = admission
        self._share: Share | None = share
        share.hold()
        self._began = time.perf_counter()
        self._watch = HangupWatch(client) if client is not None else None
        self._stops = StopWatch(LAST_ANSWERS_S)
        # Also while a client that takes nothing of its answer keeps the server from writing on.
        self._limit = gevent.Timeout.start_new(gate.settings.router_completion_timeout_s, _OverTime())
        # Writes why an answer breaks off, where something can be said after what has gone out.
        self._failure: Callable[[str, str], bytes] | None = None
        self._between_events = True
        self._reply: Reply | None = None
        self._admitted = False
        self._streaming = False
        # How long the backend may take to say something: at first, and once it has begun, much less.
        self._patience_s = gate.settings.router_completion_timeout_s
        self._silent = True
        self._broken = False
        self._told = False
        self._reads = 0

    @property
    def busy(self) -> bool:
        """Whether the backend answered that it has no room."""
        return self._reply is not None and self._reply.get_code() in _BUSY

    def open(self, path: str, fields: Fields, body: bytes, wait_s: float, *, streaming: bool | None = None) -> Reply:
        """Send a request and return the backend's reply as it begins.

        Raises Busy after ``wait_s``, UpstreamError, or ServerStops as ``read`` does.

        ``streaming`` says whether the reply comes piece by piece; by default the body is looked at.
        """
        gate = self._gate
        try:
            with self._stops:
                if not gate.slots.acquire(blocking=wait_s > 0, timeout=wait_s or None):
                    raise Busy
        except _OverTime:
            raise Busy from None
        self._admitted = True
        gate.active.inc()
        self._streaming = _STREAMING.search(body) is not None if streaming is None else streaming
        if self._streaming:
            self._patience_s = gate.config.first_token_timeout_s
        try:
            with self._stops:
                self._reply = gate.upstream.request(
                    "POST", path, fields=[*fields, *gate.fields], body=body, timeout_s=self._patience_s
                )
        except UpstreamError as error:
            self._failed(error)
            raise
        except _OverTime:
            raise self._too_late() from None
        return self._reply

    def forward(self, path: str, fields: Fields, body: bytes, wait_s: float) -> Response:
        """Send a request and return the backend's reply as it is. Raises as ``open`` does."""
        reply = self.open(path, fields, body, wait_s)
        self._let_go_of_body()
        response = Response(status=reply.get_code(), headers=fields_for_client(reply))
        if "Content-Type" not in reply:
            del response.headers["Content-Type"]
        if reply.complete:
            response.set_data(self.read())
            self.close()
        else:
            response.response = self
            response.direct_passthrough = True
            if response.mimetype == "text/event-stream":
                self._failure = openai_failure if path.startswith("/v1/") else tgi_failure
        return response

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            data = self.read()
        except UpstreamError as error:
            log.warning("backend broke off its answer", backend=self._gate.name, reason=str(error))
            # The head has gone out; only a broken connection can still tell the client that the answer is not whole.
            raise ConnectionResetError(errno.ECONNRESET, "the backend broke off its answer") from None
        except ServerStops as stop:
            self._broken = True
            self.close()  # so that there is nothing more to read
            if self._failure is None or not self._between_events:
                raise ConnectionResetError(errno.ECONNRESET, "the server stops") from None
            return self._failure(str(stop), "router.stopping")
        if not data:
            raise StopIteration
        self._between_events = data.endswith(_EVENT_ENDS)
        return data

    def read(self) -> bytes:
        """The next bytes of the reply's body, b"" at its end. Raises UpstreamError, or ServerStops."""
        if self._reply is None:
            return b""
        self._reads += 1
        try:
            if self._reads % _READS_IN_A_ROW == 0:
                gevent.sleep(0)  # a backend that always has more to say must not keep the others from their turn
            with self._stops:
                data = self._reply.read(self._patience_s)
        except UpstreamError as error:
            self._broken = True
            self._failed(error)
            raise
        except _OverTime:
            self._broken = True
            raise self._too_late() from None
        if self._silent:
            self._silent = False
            self._patience_s = self._gate.config.idle_timeout_s
            self._gate.first_byte[self._streaming].observe(time.perf_counter() - self._began)
        return data

    def close(self) -> None:
        """Give everything back; more than once does no harm."""
        begun = self._reply is not None and not self._reply.complete
        untaken = begun and not self._told and not self._broken and not self._limit.pending
        self._limit.close()
        if untaken:
            log.warning("client did not take the answer in time", backend=self._gate.name)
            self._broken = True
        if self._watch is not None:
            self._watch.stop()
            # Seen by the watch, or by the server as it wrote: then we are closed amid a sound answer.
            if self._watch.fired or (self._reply is not None and not self._reply.complete and not self._broken):
                self._gate.metrics.hangups.labels(self._gate.name).inc()
            self._watch = None
        self._let_go_of_body()
        if not self._told:
            self._tell()
        if self._reply is not None:
            self._reply.close()
            self._reply = None
        if self._admitted:
            self._admitted = False
            self._gate.slots.release()
            self._gate.active.dec()

    def succeeded(self) -> None:
        """All that was asked for has come; what is left of the reply is read, so that its connection can be kept."""
        self._limit.close()
        with contextlib.suppress(UpstreamError):
            while self._reply is not None and not self._reply.complete and self._reply.read(_DRAIN_S):
                pass
        if not self._told:
            self._told = True
            self._admission.succeeded()

    def failed(self, error: BackendError) -> None:
        """The answer says that the backend failed, or that it is busy or the request wrong, which is another thing."""
        if self._told:
            return
        if isinstance(error, Unavailable | TimedOut | Failed):
            self._failed(error)
        else:
            self._told = True
            self._admission.abandoned()

    def _let_go_of_body(self) -> None:
        if self._share is not None:
            self._share.release()
            self._share = None

    def _failed(self, error: UpstreamError | BackendError) -> None:
        self._told = True
        before = self._gate.circuit.state
        self._admission.failed(unreachable=isinstance(error, Unreachable | Unavailable))
        if before != "open" and self._gate.circuit.state == "open":
            log.error("backend is left alone for a while: it keeps failing", backend=self._gate.name, reason=str(error))

    def _too_late(self) -> TooSlow:
        error = TooSlow(f"the answer was not complete within {self._gate.settings.router_completion_timeout_s:g} s")
        self._failed(error)
        return error

    def _tell(self) -> None:
        self._told = True
        if self._reply is None or not self._reply.complete or self._reply.get_code() >= _OWN_FAULT or self.busy:
            # A 500 may be the fault of what was asked, and clients may ask for anything: it must not close the door
            # on the others. Silence, broken answers and refused connections are the backend's own.
            self._admission.abandoned()
        else:
            self._admission.succeeded()
