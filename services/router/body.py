"""Reading request bodies: JSON only, bounded in size and in time."""

from __future__ import annotations

import gevent
from flask import request

from services.router.problems import Problem
from services.router.settings import RouterSettings


def read_json(settings: RouterSettings) -> bytes:
    """The body of the current request, unparsed. Raises Problem 400, 408, 413 or 415."""
    if request.mimetype != "application/json":
        # Browsers send this type across sites only after asking, which nobody here answers: no forged requests.
        raise Problem(
            415,
            None,
            "The body must be JSON; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
    too_slow = gevent.Timeout(settings.router_body_timeout_s)
    try:
        with too_slow:
            body = request.get_data(cache=False)
    except gevent.Timeout as timeout:
        if timeout is not too_slow:
            raise
        raise Problem(
            408, None, "The body did not arrive in time; send it at once.", headers={"Connection": "close"}
        ) from None
    expected = request.content_length
    if expected is not None and len(body) != expected:
        raise Problem(400, None, f"The body ended after {len(body)} of {expected} bytes; send it whole.")
    return body
