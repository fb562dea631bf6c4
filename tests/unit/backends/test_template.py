"""Chat templates: to the character what the model was trained on, and nothing but text comes out of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.backends.base import Invalid
from services.backends.template import ChatTemplate
from services.engines.llamacpp.settings import EngineSettings
from services.settings import SettingError

USER = {"role": "user", "content": "  Grüße, 機器人!\n"}
SYSTEM = {"role": "system", "content": "You move a robot."}
ASSISTANT = {"role": "assistant", "content": "ALMotion.wakeUp()"}
CONVERSATIONS = [[USER], [SYSTEM, USER], [USER, ASSISTANT, USER], [SYSTEM, USER, ASSISTANT, USER]]


@pytest.fixture(scope="session")
def smollm2_template() -> str:
    """The template that SmolLM2-Instruct carries in its own file."""
    key = b"tokenizer.chat_template"
    with EngineSettings().model_path.open("rb") as file:
        head = file.read(8 * 2**20)  # the gguf package takes seconds to read all of the vocabulary
    at = head.index(key) + len(key) + 4  # a string: its type, its length in bytes, and these
    length = int.from_bytes(head[at : at + 8], "little")
    return head[at + 8 : at + 8 + length].decode()


@pytest.mark.parametrize("messages", CONVERSATIONS)
def test_chatml_is_what_the_model_itself_has(
    messages: list[dict[str, Any]], smollm2_template: str, tmp_path: Path
) -> None:
    (tmp_path / "smollm2.jinja").write_text(smollm2_template)
    own = ChatTemplate(str(tmp_path / "smollm2.jinja")).render(messages)
    assert ChatTemplate("chatml").render(messages) == own
    assert own.endswith("<|im_start|>user\n  Grüße, 機器人!\n<|im_end|>\n<|im_start|>assistant\n")


def test_chatml_to_the_character() -> None:
    assert ChatTemplate("chatml").render([{"role": "user", "content": "Wave"}]) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nWave<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_llama3_to_the_character() -> None:
    assert ChatTemplate("llama3").render([SYSTEM, USER]) == (
        "<|start_header_id|>system<|end_header_id|>\n\nYou move a robot.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nGrüße, 機器人!<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_a_tokenizer_config_has_one(smollm2_template: str, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"bos_token": "<|im_start|>", "chat_template": smollm2_template}))
    assert ChatTemplate(str(path)).render([USER]) == ChatTemplate("chatml").render([USER])


def test_templates_are_set_up_as_their_authors_expect(tmp_path: Path) -> None:
    path = tmp_path / "wild.jinja"
    path.write_text(
        "{{ bos_token }}\n"
        "{%- if tools is not none %}tools{% endif %}\n"
        "{%- for message in messages %}\n"
        "    {%- if loop.index > 1 %}{% break %}{% endif %}\n"
        "    {% if true %}\n"
        "{{ message.content }}\n"
        "    {% endif %}\n"
        "{%- endfor %}"
    )
    assert ChatTemplate(str(path)).render([SYSTEM, ASSISTANT]) == "You move a robot.\n"


def test_json_is_not_escaped_for_html_and_the_date_is_known(tmp_path: Path) -> None:
    path = tmp_path / "wild.jinja"
    path.write_text("{{ messages[0] | tojson }} {{ strftime_now('%Y') | length }}")
    rendered = ChatTemplate(str(path)).render([{"role": "user", "content": "<機>"}])
    assert rendered == '{"role": "user", "content": "<機>"} 4'


@pytest.mark.parametrize("mark", ["</s>", {"content": "</s>", "special": True}])
def test_the_end_mark_is_the_tokenizers_the_begin_mark_the_servers(mark: object, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer_config.json"
    template = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"
    path.write_text(json.dumps({"bos_token": "<s>", "eos_token": mark, "chat_template": template}))
    assert ChatTemplate(str(path)).render([SYSTEM]) == "You move a robot.</s>"


def test_a_message_may_come_in_parts() -> None:
    parts = [{"type": "text", "text": text} for text in ("You move ", "a robot.")]
    in_parts = ChatTemplate("chatml").render([{"role": "system", "content": parts}])
    assert in_parts == ChatTemplate("chatml").render([SYSTEM])


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.jinja", None, "No such file"),
        ("a.jinja", "{% for message in messages %}", "Unexpected end of template"),
        ("a.jinja", "{{ messages | nonsense }}", "No filter named 'nonsense'"),
        ("a.jinja", b"\xff", "can't decode byte"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "{}", "it has no chat_template"),
        ("a.json", "[]", "it has no chat_template"),
        ("a.json", '{"chat_template": [{"name": "default", "template": "x"}]}', "it has no chat_template"),
    ],
)
def test_a_template_that_cannot_be_used_says_so_at_once(
    name: str, text: str | bytes | None, told: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingError) as caught:
        ChatTemplate(str(path))
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "chatml, llama3" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}],
        None,
    ],
)
def test_what_is_not_text_is_refused(content: object) -> None:
    with pytest.raises(Invalid, match="text only"):
        ChatTemplate("chatml").render([{"role": "user", "content": content}])


@pytest.mark.parametrize("message", [{"content": "no role"}, {"role": 7, "content": "no name"}])
def test_messages_that_a_template_cannot_take_are_the_clients_fault(message: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="the chat template refuses these messages"):
        ChatTemplate("chatml").render([message])


def test_a_template_may_refuse_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "strict.jinja"
    path.write_text("{{ raise_exception('Only user and assistant roles are supported!') }}")
    with pytest.raises(Invalid, match="refuses these messages: Only user and assistant roles are supported!"):
        ChatTemplate(str(path)).render([SYSTEM])


@pytest.mark.parametrize(
    "program",
    [
        "{{ messages.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({'role': 'x'}) }}",
        "{% for number in range(10000000) %}{% endfor %}",
    ],
)
def test_a_template_cannot_reach_python(program: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.jinja"
    path.write_text(program)
    messages = [dict(USER)]
    with pytest.raises(Invalid):
        ChatTemplate(str(path)).render(messages)
    assert messages == [USER]


@pytest.mark.parametrize(
    "program", ["{{ raise_exception.__globals__ }}", "{{ ''.__class__ }}", "{{ '{0.__class__}'.format(messages) }}"]
)
def test_for_a_template_the_insides_of_python_do_not_exist(program: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.jinja"
    path.write_text(program)
    assert ChatTemplate(str(path)).render([USER]) == ""
