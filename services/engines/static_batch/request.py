"""OpenAI's requests, with lists where one request brings several prompts."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from services.engines.static_batch.items import Sampling

_T = TypeVar("_T")
# One value for all prompts of a request, or a list with one for each.
Each: TypeAlias = _T | list[_T]
Temperature = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
# What torch takes as a seed.
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Stop = Annotated[str, Field(min_length=1, max_length=256)]

_DEFAULT_TOKENS = 128
_MOST_GRAMMAR = 200_000
# Fields that would change the answer, and that this engine would have to ignore.
_UNSUPPORTED = (
    "best_of", "echo", "frequency_penalty", "functions", "guided_grammar", "logit_bias", "logprobs", "presence_penalty",
    "response_format", "structured_outputs", "suffix", "tools", "top_logprobs",
)  # fmt: skip
# Fields of OpenAI's that do not change the answer, or only with tools.
_WITHOUT_EFFECT = frozenset((
    "metadata", "parallel_tool_calls", "prediction", "prompt_cache_key", "prompt_cache_options",
    "prompt_cache_retention", "safety_identifier", "service_tier", "store", "stream_options", "tool_choice", "user",
))  # fmt: skip


class BadRequest(Exception):
    """The request cannot be answered; the message says what is wrong with it."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)

    model: str | None = None
    max_tokens: Each[Annotated[int, Field(ge=1)]] = Field(
        default=_DEFAULT_TOKENS, validation_alias=AliasChoices("max_tokens", "max_completion_tokens")
    )
    temperature: Each[Temperature] = 1.0
    top_p: Each[Share] = 1.0
    top_k: Each[Annotated[int, Field(ge=0)]] = 0
    seed: Each[Seed | None] = None
    grammar: Each[Annotated[str, Field(max_length=_MOST_GRAMMAR)] | None] = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    stream: bool = False
    n: Annotated[int, Field(ge=1, le=1)] = 1


class Completion(_Body):
    """Body of ``POST /v1/completions``."""

    prompt: str | Annotated[list[str], Field(min_length=1)]

    def prompts(self) -> list[str]:
        """The prompts, one or more."""
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt


Conversation = Annotated[list[dict[str, Any]], Field(min_length=1)]


class Chat(_Body):
    """Body of ``POST /v1/chat/completions``: the messages of one conversation, or a list of conversations."""

    messages: Conversation | Annotated[list[Conversation], Field(min_length=1)]

    def prompts(self) -> list[list[dict[str, Any]]]:
        """The conversations, one or more."""
        first = self.messages[0]
        return [self.messages] if isinstance(first, dict) else self.messages  # type: ignore[list-item, return-value]


Body = TypeVar("Body", Completion, Chat)


def parse(kind: type[Body], body: bytes) -> Body:
    """Read a request's body.

    Raises:
        BadRequest: it is no JSON, a field is wrong, or one is asked for that this engine does not have.
    """
    try:
        request = kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = first["loc"][0] if first["loc"] else "body"
        raise BadRequest(f"{where}: {first['msg']}") from None
    extra = request.model_extra or {}
    for name in _UNSUPPORTED:
        if extra.get(name):
            raise BadRequest(f"{name}: this engine cannot do that; leave it out")
    # Unset or off, what it cannot do is of no concern; what is misspelt is never meant so.
    if unknown := sorted(extra.keys() - _WITHOUT_EFFECT - set(_UNSUPPORTED)):
        raise BadRequest(f"{unknown[0][:100]}: there is no such field; remove it")
    return request


def for_each(request: Completion | Chat) -> list[tuple[int, str | None, Sampling]]:
    """``max_tokens``, grammar and sampling of each prompt.

    Raises:
        BadRequest: a list has not as many values as there are prompts.
    """
    count = len(request.prompts())
    names = ("max_tokens", "grammar", "temperature", "top_p", "top_k", "seed")
    columns = []
    for name in names:
        value = getattr(request, name)
        if not isinstance(value, list):
            value = [value] * count
        elif len(value) != count:
            raise BadRequest(f"{name}: a list of {len(value)} for {count} prompts; give one value, or one for each")
        columns.append(value)
    return [(row[0], row[1], Sampling(*row[2:])) for row in zip(*columns, strict=True)]
