"""Reading request bodies: JSON only, bounded in size, in time, and in what all of them together take up."""

from __future__ import annotations

from typing import Any

import gevent
from flask import Flask, g, request
from gunicorn.http.errors import ParseException

from services.router.problems import Problem, ProblemItem
from services.router.settings import RouterSettings

#: Bodies up to so many bytes are not counted: the number of connections bounds them, and orders without an image go on
#: while large bodies take up all that there is for them.
SMALL_BYTES = 16 * 1024
_RETRY_S = "1"


class Bodies:
    """What the large request bodies in hand may take up in this process, all together."""

    def __init__(self, limit: int) -> None:
        """``limit`` is in bytes."""
        self.left = limit


class Share:
    """What one request's body takes up of it. It counts until everyone who holds it has let go."""

    def __init__(self, bodies: Bodies) -> None:
        """The one who makes it holds it."""
        self._bodies = bodies
        self._counted = 0
        self._holders = 1

    def grow(self, size: int) -> None:
        """Count the body as of ``size`` bytes. Raises Problem 503 when there is no room for so many."""
        if size <= SMALL_BYTES:
            return
        more = size - self._counted
        if more > self._bodies.left:
            raise Problem(
                503,
                "too-many-bodies",
                "The request bodies that the router has in hand take up all that they may; try again in "
                f"{_RETRY_S} s, send less, or raise ROUTER_BODIES_MAX_BYTES.",
                headers={"Retry-After": _RETRY_S},
            )
        self._bodies.left -= more
        self._counted = size

    def hold(self) -> None:
        """Keep it counted until one more ``release``."""
        self._holders += 1

    def release(self) -> None:
        """Let go of it."""
        self._holders -= 1
        if not self._holders:
            self._bodies.left += self._counted
            self._counted = 0


def install_body_release(app: Flask) -> None:
    """Let go of each request's body when its view has answered or failed."""

    def release(_: BaseException | None) -> None:
        share: Share | None = g.pop("body_share", None)
        if share is not None:
            share.release()

    app.teardown_request(release)


def read_json(settings: RouterSettings, bodies: Bodies) -> tuple[bytes, Share]:
    """The body of the current request, unparsed, and its share, which whoever keeps it beyond the view has to hold.

    Raises Problem 400, 408, 413, 415 or 503.
    """
    if request.environ.get("CONTENT_TYPE") != "application/json" and request.mimetype != "application/json":
        # Browsers send this type across sites only after asking, which nobody here answers: no forged requests.
        raise Problem(
            415,
            None,
            "The body must be JSON; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
        detail = "A body with a Content-Encoding is not read; send it as it is, without that header."
        raise Problem(
            415,
            None,
            detail,
            errors=[ProblemItem(header="Content-Encoding", detail=detail)],
            headers={"Accept-Encoding": "identity"},
        )
    limit = settings.router_max_body_bytes
    expected = request.content_length
    if expected is not None and expected > limit:
        raise _too_large(limit)
    share = g.body_share = Share(bodies)
    share.grow(expected or 0)
    try:
        # An ordinary exception, which makes the server close the connection: where the next request starts on it
        # is not known.
        with gevent.Timeout(settings.router_body_timeout_s, TimeoutError()):
            # Not Flask's get_data(), which cuts a chunked body off at the limit without a word.
            stream = request.environ["wsgi.input"]
            body = _read_growing(stream, limit, share) if expected is None else stream.read(limit + 1)
    except TimeoutError:
        raise Problem(408, None, "The body did not arrive in time; send it at once.") from None
    except (OSError, ParseException) as error:  # the latter for a body whose chunks are malformed
        raise Problem(400, None, f"The body could not be read: {error}.") from None
    if len(body) > limit:
        raise _too_large(limit)
    if expected is not None and len(body) != expected:
        raise Problem(400, None, f"The body ended after {len(body)} of {expected} bytes; send it whole.")
    return body, share


def _read_growing(stream: Any, limit: int, share: Share) -> bytes:
    """A body of unknown length, counted as it comes, up to one byte more than ``limit``."""
    pieces: list[bytes] = []
    size = 0
    while size <= limit and (piece := stream.read(min(SMALL_BYTES, limit + 1 - size))):
        size += len(piece)
        share.grow(size)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(limit: int) -> Problem:
    return Problem(413, None, f"The body is larger than the {limit} bytes that are accepted; send less.")
