"""Loading the model, as plain Transformers or wrapped by DeepSpeed's ``init_inference``."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from services.engines.static_batch.grammar import Grammars
from services.engines.static_batch.settings import EngineSettings


class Model:
    """A causal language model, its tokenizer, and what the decoder must know of them."""

    def __init__(self, settings: EngineSettings) -> None:
        torch.set_num_threads(settings.threads)
        kind = settings.device
        if kind == "auto":
            kind = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = torch.device(kind)
        dtype = settings.dtype
        if dtype == "auto":
            dtype = "float32" if kind == "cpu" else "float16"
        self.tokenizer: Any = AutoTokenizer.from_pretrained(settings.model)
        model: Any = AutoModelForCausalLM.from_pretrained(settings.model, dtype=getattr(torch, dtype))
        model.eval()
        self.config = model.config
        self.context_tokens: int = model.config.get_text_config().max_position_embeddings
        ends = model.generation_config.eos_token_id
        if ends is None:
            ends = self.tokenizer.eos_token_id
        self.grammars = Grammars(self.tokenizer, model.config.get_text_config().vocab_size)
        self.end_tokens = frozenset(ends if isinstance(ends, list) else [ends])
        self.forward: Any = _by_deepspeed(model) if settings.runtime == "deepspeed" else model.to(self.device)

    def encode(self, text: str) -> list[int]:
        """The tokens of a prompt, with those that the model expects at its beginning."""
        tokens: list[int] = self.tokenizer(text)["input_ids"]
        return tokens

    def encode_chat(self, messages: list[dict[str, Any]]) -> list[int]:
        """The tokens of a conversation in the model's own template, up to where the assistant speaks."""
        tokens: list[int] = self.tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        return tokens


def _by_deepspeed(model: Any) -> Any:
    import deepspeed

    # Without DeepSpeed's kernels: they keep keys and values in a workspace of their own, from which no row can be
    # dropped when its answer has ended.
    return deepspeed.init_inference(model, dtype=model.dtype, replace_with_kernel_inject=False)
