"""The doors of the pass-through: requests read into one shape.

Used where a backend does not speak the language of the door; it is then asked in its own (``services.backends``). What
cannot be carried over is refused with 422 rather than left out in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.backends.base import GenerationRequest
from services.router.writers import ChatWriter, CompletionWriter, GenerateWriter, Writer

Door = Literal["/v1/chat/completions", "/v1/completions", "/generate", "/generate_stream", "/"]
DOORS: tuple[Door, ...] = ("/v1/chat/completions", "/v1/completions", "/generate", "/generate_stream", "/")

#: Most tokens that can be asked for, and most stop strings.
MOST_TOKENS, MOST_STOPS = 1_000_000, 16
#: What an engine may write when the client does not say.
_DEFAULT_MAX_TOKENS = 256


#: What is said of a parameter that a backend cannot be asked for.
CANNOT = "this backend cannot do that; leave it out, or choose another backend with X-Backend"


def changes_nothing(value: Any, neutral: Sequence[Any]) -> bool:
    """Whether a parameter has no effect: unset, or at one of these values."""
    # True is not 1 in JSON, though it is in Python.
    return value is None or value in [known for known in neutral if isinstance(known, bool) == isinstance(value, bool)]


def _only(*neutral: Any) -> AfterValidator:
    """Accept a parameter that cannot be carried over where it has no effect: unset, or at one of these values."""

    def check(value: Any) -> Any:
        if not changes_nothing(value, neutral):
            raise ValueError(CANNOT)
        return value

    return AfterValidator(check)


_Tokens = Annotated[int | None, Field(ge=1, le=MOST_TOKENS)]
_Seed = Annotated[int | None, Field(ge=0, lt=2**63)]
_Stops = Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=MOST_STOPS)]


class _Body(BaseModel):
    # A parameter that is misspelt, or that we do not know, is refused by its name.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _StreamOptions(_Body):
    include_usage: bool = False
    include_obfuscation: bool = False


class _OpenAIBody(_Body):
    """What the two OpenAI doors share."""

    model: str = ""
    max_tokens: _Tokens = None
    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    seed: _Seed = None
    stop: str | _Stops | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None
    n: Annotated[Any, _only(1)] = None
    logprobs: Annotated[Any, _only(False)] = None
    best_of: Annotated[Any, _only(1)] = None
    echo: Annotated[Any, _only(False)] = None
    suffix: Annotated[Any, _only("")] = None
    tools: Annotated[Any, _only([])] = None
    tool_choice: Annotated[Any, _only("none", "auto")] = None
    response_format: Annotated[Any, _only({"type": "text"})] = None
    logit_bias: Annotated[Any, _only({})] = None
    presence_penalty: Annotated[Any, _only(0)] = None
    frequency_penalty: Annotated[Any, _only(0)] = None
    # Of no effect on the answer.
    user: Any = None
    metadata: Any = None
    store: Any = None
    service_tier: Any = None
    safety_identifier: Any = None
    prompt_cache_key: Any = None

    @property
    def tells_usage(self) -> bool:
        """Whether a stream is to end with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    def request(self, messages: list[dict[str, Any]], prompt: str | None) -> GenerationRequest:
        """The same in the one shape."""
        return GenerationRequest(
            messages=messages,
            prompt=prompt,
            max_tokens=self.max_tokens or _DEFAULT_MAX_TOKENS,
            temperature=1.0 if self.temperature is None else self.temperature,  # OpenAI's default
            top_p=self.top_p,
            seed=self.seed,
            stop=[self.stop] if isinstance(self.stop, str) else self.stop or [],
        )


class _Message(_Body):
    role: str
    content: str | list[dict[str, Any]]
    name: Any = None
    # What clients send back of an answer of ours, empty.
    refusal: Annotated[Any, _only("")] = None
    annotations: Annotated[Any, _only([])] = None
    audio: Annotated[Any, _only()] = None
    function_call: Annotated[Any, _only()] = None
    tool_calls: Annotated[Any, _only([])] = None


class _ChatBody(_OpenAIBody):
    messages: Annotated[list[_Message], Field(min_length=1)]
    max_completion_tokens: _Tokens = None
    top_logprobs: Annotated[Any, _only(0)] = None
    parallel_tool_calls: Any = None
    reasoning_effort: Annotated[Any, _only("none")] = None
    modalities: Annotated[Any, _only(["text"])] = None


class _CompletionBody(_OpenAIBody):
    prompt: str | Annotated[list[str], Field(min_length=1, max_length=1)]


class _Parameters(_Body):
    """TGI's parameters. Sampling is off unless asked for, as there."""

    max_new_tokens: _Tokens = None
    do_sample: bool = False
    temperature: Annotated[float | None, Field(gt=0, le=100)] = None
    top_p: Annotated[float | None, Field(gt=0, lt=1)] = None
    top_k: Annotated[int | None, Field(gt=0, lt=2**31)] = None
    seed: _Seed = None
    stop: _Stops = []
    return_full_text: bool | None = None
    details: bool = False
    best_of: Annotated[Any, _only(1)] = None
    grammar: Annotated[Any, _only()] = None
    decoder_input_details: Annotated[Any, _only(False)] = None
    top_n_tokens: Annotated[Any, _only(0)] = None
    typical_p: Annotated[Any, _only(1)] = None
    watermark: Annotated[Any, _only(False)] = None
    repetition_penalty: Annotated[Any, _only(1)] = None
    frequency_penalty: Annotated[Any, _only(0)] = None
    truncate: Annotated[Any, _only()] = None
    adapter_id: Annotated[Any, _only("")] = None  # llama.cpp takes any name, and means none by it


class _GenerateBody(_Body):
    inputs: Annotated[str, Field(min_length=1)]
    parameters: _Parameters | None = None
    stream: bool = False


@dataclass(frozen=True)
class Order:
    """One request: what is asked, and how the answer is to be written."""

    request: GenerationRequest
    writer: Writer


def read(door: Door, body: bytes) -> Order:
    """Read a request at a door. Raises pydantic's ValidationError."""
    if door == "/v1/chat/completions":
        chat = _ChatBody.model_validate_json(body)
        chat.max_tokens = chat.max_completion_tokens or chat.max_tokens
        request = chat.request([message.model_dump(include={"role", "content"}) for message in chat.messages], None)
        return Order(request, ChatWriter(chat.model, streaming=chat.stream, tells_usage=chat.tells_usage))
    if door == "/v1/completions":
        text = _CompletionBody.model_validate_json(body)
        request = text.request([], text.prompt if isinstance(text.prompt, str) else text.prompt[0])
        return Order(request, CompletionWriter(text.model, streaming=text.stream, tells_usage=text.tells_usage))
    return _read_generate(door, _GenerateBody.model_validate_json(body))


def _read_generate(door: Door, body: _GenerateBody) -> Order:
    given = body.parameters or _Parameters(do_sample=True)  # TGI samples where no parameters are sent at all
    sampling = given.do_sample or any(value is not None for value in (given.temperature, given.top_p, given.top_k))
    request = GenerationRequest(
        messages=[],
        prompt=body.inputs,
        max_tokens=given.max_new_tokens or _DEFAULT_MAX_TOKENS,
        temperature=(given.temperature or 1.0) if sampling else 0.0,
        top_p=given.top_p,
        top_k=given.top_k,
        seed=given.seed,
        stop=given.stop,
    )
    hub = door == "/"  # as on the model hub: says in the body how it wants it, gets a list, and the prompt with it
    echoes = hub if given.return_full_text is None else given.return_full_text
    streaming = body.stream if hub else door == "/generate_stream"
    return Order(request, GenerateWriter(streaming, given.details, body.inputs if echoes else "", in_list=hub))
