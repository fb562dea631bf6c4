"""Reading request bodies: JSON only, bounded in size and in time."""

from __future__ import annotations

import gevent
from flask import request
from gunicorn.http.errors import ParseException

from services.router.problems import Problem
from services.router.settings import RouterSettings


def read_json(settings: RouterSettings) -> bytes:
    """The body of the current request, unparsed. Raises Problem 400, 408, 413 or 415."""
    if request.environ.get("CONTENT_TYPE") != "application/json" and request.mimetype != "application/json":
        # Browsers send this type across sites only after asking, which nobody here answers: no forged requests.
        raise Problem(
            415,
            None,
            "The body must be JSON; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
    limit = settings.router_max_body_bytes
    expected = request.content_length
    if expected is not None and expected > limit:
        raise _too_large(limit)
    try:
        # An ordinary exception, which makes the server close the connection: where the next request starts on it
        # is not known.
        with gevent.Timeout(settings.router_body_timeout_s, TimeoutError()):
            # Not Flask's get_data(), which cuts a chunked body off at the limit without a word.
            body: bytes = request.environ["wsgi.input"].read(limit + 1)
    except TimeoutError:
        raise Problem(408, None, "The body did not arrive in time; send it at once.") from None
    except (OSError, ParseException) as error:  # the latter for a body whose chunks are malformed
        raise Problem(400, None, f"The body could not be read: {error}.") from None
    if len(body) > limit:
        raise _too_large(limit)
    if expected is not None and len(body) != expected:
        raise Problem(400, None, f"The body ended after {len(body)} of {expected} bytes; send it whole.")
    return body


def _too_large(limit: int) -> Problem:
    return Problem(413, None, f"The body is larger than the {limit} bytes that are accepted; send less.")
