"""The doors as real clients use them: OpenAI's, the Hugging Face hub's and TGI's own, before the real llama.cpp."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
import text_generation
from huggingface_hub import InferenceClient
from jsonschema import Draft202012Validator

from services.embedded.stack import Stack

#: TGI's own client is older than what it is installed with.
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated.*:pydantic.warnings.PydanticDeprecatedSince20")

CONTRACT = Path(__file__).parents[1] / "backends" / "tgi_openapi.json"
MESSAGES = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with Stack(["store", "engine", "router"], env={"LLAMACPP_CONTEXT_TOKENS": "1024"}) as stack:
        yield stack.router_url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        yield client


@pytest.fixture
def hub(url: str) -> InferenceClient:
    return InferenceClient(model=url)


@pytest.fixture
def tgi(url: str) -> text_generation.Client:
    return text_generation.Client(url, timeout=60)


def test_openai_chats(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="any", messages=MESSAGES, max_tokens=12, temperature=0)  # type: ignore[arg-type]
    assert answer.choices[0].message.content
    assert answer.usage is not None
    assert 0 < answer.usage.completion_tokens <= 12


def test_openai_chats_streaming(client: openai.OpenAI) -> None:
    pieces = []
    with client.chat.completions.create(
        model="any",
        messages=MESSAGES,
        max_tokens=12,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},  # type: ignore[call-overload]
    ) as stream:
        for chunk in stream:
            pieces += [choice.delta.content for choice in chunk.choices if choice.delta.content]
    assert len(pieces) > 2
    assert chunk.usage.completion_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_openai_completes(client: openai.OpenAI, stream: bool) -> None:
    answer = client.completions.create(model="any", prompt="One, two,", max_tokens=8, temperature=0, stream=stream)
    texts = [chunk.choices[0].text for chunk in answer if chunk.choices] if stream else [answer.choices[0].text]  # type: ignore[union-attr]
    assert "".join(texts)


def test_openai_lists_models(client: openai.OpenAI) -> None:
    assert [model.owned_by for model in client.models.list()] == ["llamacpp"]


def test_openai_is_told_what_is_wrong(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="any", messages=MESSAGES, extra_body={"messages": 7})  # type: ignore[arg-type]
    assert caught.value.status_code in (400, 422)
    assert caught.value.message


@pytest.mark.parametrize("details", [False, True])
def test_the_hubs_client_generates(hub: InferenceClient, details: bool) -> None:
    answer = hub.text_generation("One, two,", max_new_tokens=8, details=details, return_full_text=False)
    text = answer.generated_text if details else answer
    assert text
    assert not text.startswith("One, two,")
    if details:
        assert 0 < answer.details.generated_tokens <= 8


@pytest.mark.parametrize("details", [False, True])
def test_the_hubs_client_streams(hub: InferenceClient, details: bool) -> None:
    pieces = list(hub.text_generation("One, two,", max_new_tokens=8, stream=True, details=details))
    assert len(pieces) > 2


def test_the_prompt_comes_back_when_asked_for(hub: InferenceClient) -> None:
    assert hub.text_generation("One, two,", max_new_tokens=4, return_full_text=True).startswith("One, two,")


def test_the_hubs_client_chats(hub: InferenceClient) -> None:
    assert hub.chat_completion(MESSAGES, max_tokens=8).choices[0].message.content
    assert len(list(hub.chat_completion(MESSAGES, max_tokens=8, stream=True))) > 2


def test_tgis_own_client_generates(tgi: text_generation.Client) -> None:
    answer = tgi.generate("One, two,", max_new_tokens=8, seed=1, stop_sequences=["zzz"])
    assert answer.generated_text
    assert answer.details.finish_reason == "length"
    assert answer.details.generated_tokens == 8


def test_tgis_own_client_streams(tgi: text_generation.Client) -> None:
    *pieces, last = tgi.generate_stream("One, two,", max_new_tokens=8)
    assert len(pieces) > 2
    assert last.details is not None
    assert last.generated_text == "".join(piece.token.text for piece in [*pieces, last] if not piece.token.special)


def test_tgis_own_client_is_told_what_is_wrong(tgi: text_generation.Client) -> None:
    with pytest.raises(text_generation.errors.ValidationError):
        tgi.generate("One, two," * 5000)


def test_tgis_own_client_waits_for_many_at_once(url: str) -> None:
    async def generate() -> list[str]:
        client = text_generation.AsyncClient(url, timeout=60)
        answers = await asyncio.gather(*(client.generate(f"{n} and", max_new_tokens=4) for n in range(6)))
        return [answer.generated_text for answer in answers]

    assert all(asyncio.run(generate()))


def test_tgis_health_and_info(url: str) -> None:
    health, info = httpx.get(f"{url}/health"), httpx.get(f"{url}/info")
    assert (health.status_code, health.content) == (200, b"")
    schema = json.loads(CONTRACT.read_text())["components"]["schemas"]["Info"]
    Draft202012Validator(schema).validate(info.json())
    assert (info.json()["max_input_tokens"], info.json()["max_total_tokens"]) == (1023, 1024)


@pytest.mark.parametrize(("words", "status"), [(1023, 200), (1024, 422)])
def test_the_longest_prompt_that_info_tells_is_the_longest_that_is_taken(url: str, words: int, status: int) -> None:
    answer = httpx.post(
        f"{url}/generate", json={"inputs": " walk" * words, "parameters": {"max_new_tokens": 1}}, timeout=100
    )
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/generate", {"inputs": "x", "parameters": {"max_new_token": 3}}, "max_new_token"),
        ("/", {"inputs": "x", "parameter": {}}, "parameter"),
    ],
)
def test_what_is_misspelt_is_refused_by_its_name(url: str, path: str, body: dict[str, object], name: str) -> None:
    answer = httpx.post(url + path, json=body)
    assert answer.status_code == 422
    assert answer.json()["error_type"] == "validation"
    assert name in answer.json()["error"]
