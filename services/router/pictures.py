"""``/v1/behaviors/{id}/picture.svg``: what a simulated robot did, drawn when it is asked for."""

from __future__ import annotations

import gevent
import structlog
from flask import Blueprint, Response, request

from services.picture.draw import CONTENT_TYPE, draw
from services.picture.recording import Recording
from services.router.context import Context
from services.router.operations import Media, Operation, describes
from services.router.problems import Problem, ProblemItem, unknown_behavior

log = structlog.get_logger(__name__)

_PICTURE = Media((CONTENT_TYPE.partition(";")[0],), "The picture.", {"type": "string"})
_HEADERS = {
    "Cache-Control": "no-store",
    # It holds words and names from outside. They are escaped, and if one were not, it could load and run nothing.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


def create_blueprint(context: Context) -> Blueprint:
    """The view of pictures."""
    blueprint = Blueprint("pictures", __name__)
    store = context.store

    @blueprint.get("/v1/behaviors/<behavior_id>/picture.svg")
    @describes(
        Operation(
            summary="See what a simulated robot did, as an animated SVG",
            parameters=("still",),
            answers={200: _PICTURE},
            problems=(400, 404, 503),
        )
    )
    def picture(behavior_id: str) -> Response:
        still = _still_parameter()
        packed = store.recording(behavior_id)
        if packed is None:
            if store.result(behavior_id) is None:
                raise unknown_behavior()
            raise _no_picture()
        try:
            recording = Recording.unpacked(packed)
        except ValueError as error:
            log.warning("recording not understood", behavior=behavior_id, reason=str(error))
            raise _no_picture() from None
        # Drawing takes tens of milliseconds, in which other requests are served too.
        drawn = draw(recording, still=still, pause=lambda: gevent.sleep(0))
        return Response(drawn, headers=_HEADERS, content_type=CONTENT_TYPE)

    return blueprint


def _no_picture() -> Problem:
    return Problem(
        404,
        "no-picture",
        "There is no picture of this behavior: there is one when it has ended and the simulated NAO has acted for it "
        '("execute": "simulate").',
    )


def _still_parameter() -> bool:
    text = request.args.get("still")
    if text in (None, "false"):
        return False
    if text in ("", "true"):
        return True
    detail = "still must be true or false; or leave it out."
    raise Problem(400, "invalid-parameter", detail, errors=[ProblemItem(parameter="still", detail=detail)])
