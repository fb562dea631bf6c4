"""Chat templates, for servers that take the text of a prompt and nothing else.

The text must be, to the character, what the model was trained on; so templates are the models' own, in Jinja, rendered
in a sandbox as Transformers does it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.backends.base import Invalid
from services.settings import SettingError

#: ChatML as SmolLM2-Instruct has it: a system turn of its own where the client gives none.
_CHATML = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}"
    "{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
#: Llama 3's, without its begin-of-text mark, which tokenizers add themselves.
_LLAMA3 = (
    "{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
_BUILT_IN = {"chatml": _CHATML, "llama3": _LLAMA3}


class ChatTemplate:
    """A template by its name, or out of a file: Jinja text, or a tokenizer_config.json."""

    def __init__(self, name_or_path: str) -> None:
        """Raises SettingError when there is no such template or it cannot be read."""
        self._template = _compile(name_or_path)

    def render(self, messages: Sequence[dict[str, Any]]) -> str:
        """The text that asks the model for its turn. Raises Invalid for what the template refuses."""
        turns = [{**message, "content": _text(message.get("content"))} for message in messages]
        try:
            # Those that know of tools and documents ask whether they are none, not whether they are defined.
            return self._template.render(messages=turns, tools=None, documents=None, add_generation_prompt=True)
        except Exception as error:  # templates are programs of the model's: anything can be wrong
            raise Invalid(f"the chat template refuses these messages: {error}") from None


def _text(content: object) -> str:
    """The text of a message, which may come in parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) and part.get("type") == "text" for part in content):
        return "".join(str(part.get("text", "")) for part in content)
    raise Invalid("this backend takes text only; leave images out or choose a backend with vision")


@cache
def _compile(name_or_path: str) -> Template:
    # As Transformers sets it up; templates in the wild are written for that.
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    # Jinja's own would escape for HTML.
    environment.filters["tojson"] = lambda value, indent=None: json.dumps(value, ensure_ascii=False, indent=indent)
    # The begin-of-text mark is left to the server's tokenizer.
    environment.globals.update(raise_exception=_refuse, strftime_now=_now, bos_token="", eos_token="")
    text = _BUILT_IN.get(name_or_path)
    try:
        if text is None:
            text, environment.globals["eos_token"] = _read(Path(name_or_path))
        return environment.from_string(text)
    except (OSError, UnicodeDecodeError, ValueError, TemplateError) as error:
        names = ", ".join(_BUILT_IN)
        raise SettingError(
            f"the chat template {name_or_path} cannot be used: {error}; give one of {names}, or the path of a .jinja "
            "file or a tokenizer_config.json."
        ) from None


def _read(path: Path) -> tuple[str, str]:
    """Template and end-of-text mark of a file; Jinja text has no mark."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".json":
        return text, ""
    document = json.loads(text)
    template = document.get("chat_template") if isinstance(document, dict) else None
    if not isinstance(template, str):
        raise ValueError("it has no chat_template")
    mark = document.get("eos_token")
    return template, str((mark.get("content") if isinstance(mark, dict) else mark) or "")


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now(UTC).strftime(form)
