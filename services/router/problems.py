"""Errors as clients see them: RFC 9457 problem documents that say what was wrong and how to mend it.

The OpenAI-compatible door answers with OpenAI's error shape instead, since its clients read nothing else.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Literal

import structlog
from flask import Flask, Response, g, request
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from services.jobs.errors import IdempotencyConflict, QueueFull, StoreUnavailable, UnknownBehavior
from services.router.hangup import ClientGone
from services.router.stopping import ServerStops

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:behavior-engine:problem:"
STORE_RETRY_S = 2
_MOST_ERRORS = 20


class ProblemItem(BaseModel):
    """One thing that was wrong: where, as a JSON pointer into the body or the name of a header or parameter."""

    detail: str
    pointer: str | None = Field(default=None, description="JSON pointer into the request body")
    header: str | None = Field(default=None, description="name of a header field")
    parameter: str | None = Field(default=None, description="name of a query parameter")


class OpenAIError(BaseModel):
    """What OpenAI clients read of an error."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: None = None
    code: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(description=f"about:blank, or {TYPE_PREFIX} and a stable code")
    title: str
    status: int
    detail: str
    instance: str | None = Field(default=None, description="path of the request, unless it could not be read")
    request_id: str | None = Field(default=None, description="as in X-Request-Id, unless it could not be read")
    errors: list[ProblemItem] | None = None
    error: OpenAIError | None = Field(
        default=None, description="the same for OpenAI's clients, where they ask for what is not here"
    )


class Problem(Exception):
    """An error answer; raise it anywhere in a view."""

    def __init__(
        self,
        status: int,
        code: str | None,
        detail: str,
        *,
        errors: list[ProblemItem] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """``code`` is the stable name of the problem; None when the status says it all."""
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> Response:
        """The problem in the shape that this request's clients read."""
        if request.path.startswith(("/v1/chat/", "/v1/completions", "/v1/models")):
            return self._openai()
        if request.path.startswith("/generate") or (request.path == "/" and request.method == "POST"):
            return self._tgi()
        document = ProblemDocument(
            type=TYPE_PREFIX + self.code if self.code else "about:blank",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            instance=request.path,
            request_id=g.request_id,
            errors=self.errors,
            error=self._openai_error() if request.path.startswith("/v1/") and request.url_rule is None else None,
        )
        body = document.model_dump_json(exclude_none=True)
        return Response(body, self.status, self.headers, content_type=PROBLEM_JSON)

    def _openai_error(self) -> OpenAIError:
        return OpenAIError(
            message=self.detail,
            type="invalid_request_error" if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error",
            code=(self.code or HTTPStatus(self.status).phrase.lower()).replace("-", "_").replace(" ", "_"),
        )

    def _openai(self) -> Response:
        document = OpenAIErrorDocument(error=self._openai_error())
        return Response(document.model_dump_json(), self.status, self.headers, content_type="application/json")

    def _tgi(self) -> Response:
        kind = _TGI_TYPES.get(
            self.status, "validation" if self.status < HTTPStatus.INTERNAL_SERVER_ERROR else "generation"
        )
        document = TGIErrorDocument(error=self.detail, error_type=kind)
        return Response(document.model_dump_json(), self.status, self.headers, content_type="application/json")


_TGI_TYPES = {429: "overloaded", 503: "overloaded"}


class TGIErrorDocument(BaseModel):
    """An error of TGI's doors that the router itself answers with."""

    error: str
    error_type: str


class OpenAIErrorDocument(BaseModel):
    """An error of the OpenAI-compatible door that the router itself answers with."""

    error: OpenAIError


def invalid(pointer: str, detail: str) -> Problem:
    """422 for one field of the body, named by its JSON pointer."""
    return Problem(422, "invalid-request", detail, errors=[ProblemItem(pointer=pointer, detail=detail)])


def from_validation(error: ValidationError) -> Problem:
    """400 for a body that is not JSON, 422 with every fault for one that does not fit. Never quotes the input."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if faults[0]["type"] == "json_invalid":
        return Problem(400, "invalid-json", f"The body is not JSON: {faults[0]['msg'].removeprefix('Invalid JSON: ')}.")
    items = [_item(fault["loc"], fault["type"], fault["msg"]) for fault in faults[:_MOST_ERRORS]]
    more = f" (and {len(faults) - _MOST_ERRORS} more)" if len(faults) > _MOST_ERRORS else ""
    summary = "; ".join(f"{item.pointer or 'the document'}: {item.detail}" for item in items[:3])
    return Problem(422, "invalid-request", f"The request does not fit: {summary}{more}.", errors=items)


def _item(location: tuple[str | int, ...], kind: str, message: str) -> ProblemItem:
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)
    if kind == "extra_forbidden":
        message = "There is no such field; remove it"
    elif kind == "missing":
        message = "This field is required; add it"
    return ProblemItem(pointer=pointer[:200], detail=message.removeprefix("Value error, "))


def register_error_handlers(app: Flask) -> None:
    """Make every error of the application a problem document, the framework's own and unforeseen ones too."""

    def handle(kind: type[Exception], make: Any) -> None:
        app.register_error_handler(kind, lambda error: make(error).response())

    handle(Problem, lambda error: error)
    handle(QueueFull, _queue_full)
    handle(StoreUnavailable, _store_unavailable)
    handle(
        IdempotencyConflict,
        lambda error: Problem(
            422,
            "idempotency-conflict",
            "This Idempotency-Key was used with another request; use a new key for a new request.",
            errors=[ProblemItem(header="Idempotency-Key", detail="already used with another request")],
        ),
    )
    handle(UnknownBehavior, lambda error: unknown_behavior())
    handle(ServerStops, lambda error: Problem(503, "router-stopping", str(error), headers={"Retry-After": "1"}))
    handle(HTTPException, _from_http)
    handle(Exception, _unforeseen)
    # The client is gone: there is nobody to answer. 499 is how proxies count that.
    app.register_error_handler(ClientGone, lambda error: Response(status=499))


def unknown_behavior() -> Problem:
    """404 for a behaviour that the store does not know."""
    return Problem(
        404, "unknown-behavior", "There is no behavior with this id; it was never accepted, or its result has expired."
    )


def forgotten_result() -> Problem:
    """410 for a request whose Idempotency-Key stands for a behaviour that is no longer kept.

    It is not carried out again: the robot may have acted already, and the key promises that it does so once.
    """
    return Problem(
        410,
        "result-forgotten",
        "This request was accepted before and has ended, but its result is no longer kept; use a new Idempotency-Key "
        "to have it carried out again.",
    )


def _queue_full(error: QueueFull) -> Problem:
    return Problem(
        429,
        "queue-full",
        f"The queue is full: {error}.",
        headers={"Retry-After": str(error.retry_after_s)},
    )


def _store_unavailable(error: StoreUnavailable) -> Problem:
    log.error("store unavailable", reason=str(error))
    return Problem(
        503,
        "store-unavailable",
        "The queue's store does not answer just now; try again in a moment, with the same Idempotency-Key if any.",
        headers={"Retry-After": str(STORE_RETRY_S)},
    )


def _from_http(error: HTTPException) -> Problem:
    status = error.code or 500
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return Problem(405, None, f"{request.method} is not possible here; use {allowed}.", headers={"Allow": allowed})
    if status == HTTPStatus.NOT_FOUND:
        return Problem(404, None, "There is nothing at this address; /openapi.json lists what there is.")
    return Problem(status, None, error.description or HTTPStatus(status).phrase)


def _unforeseen(error: Exception) -> Problem:
    log.error("unforeseen error", route=str(request.url_rule), exc_info=error)
    return Problem(
        500, None, f"The router failed over this request; its log says why, under request id {g.request_id}."
    )
