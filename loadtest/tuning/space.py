"""What can be set, of each engine, and to what: the space that is searched.

The first choice of a factor is what the engine has now; the others are measured against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Choice:
    """One value of a factor."""

    name: str
    #: Environment over that of the deployment.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: Entries of TensorRT-LLM's model.yaml, by their names with dots between levels.
    model_yaml: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Factor:
    """Something that can be set."""

    name: str
    about: str
    choices: tuple[Choice, ...]
    #: Whether answers can change with it, so that who takes it has to know how many of them are right.
    answers: bool = False
    #: Whether what it is worth depends on how alike requests are, of which the mix says nothing: then it is never kept.
    told_only: bool = False

    @property
    def now(self) -> Choice:
        """What it is set to now."""
        return self.choices[0]


@dataclass(frozen=True)
class Space:
    """The factors of one engine."""

    factors: tuple[Factor, ...]
    #: The deployment that Docker Compose starts; empty: processes on loopback, as the quick start has them.
    env_file: str = ""


def together(choices: Iterable[Choice], name: str) -> Choice:
    """All of the choices at once."""
    settings: dict[str, str] = {}
    model_yaml: dict[str, Any] = {}
    for choice in choices:
        for variable, value in choice.settings.items():
            both = variable == _OPTIONS and variable in settings
            settings[variable] = f"{settings[variable]} {value}" if both else value
        model_yaml |= choice.model_yaml
    return Choice(name, settings, model_yaml)


def _set(variable: str, *values: str) -> tuple[Choice, ...]:
    """Choices that are values of one variable, the first of them its default, which is left unset."""
    return tuple(Choice(value, {variable: value} if number else {}) for number, value in enumerate(values))


def _yaml(key: str, *values: Any) -> tuple[Choice, ...]:
    return tuple(
        Choice(str(value).lower(), model_yaml={key: value} if number else {}) for number, value in enumerate(values)
    )


def _option(option: str, *values: int) -> tuple[Choice, ...]:
    """Choices that are values of an option of vLLM's command line, the first of them what it has."""
    return tuple(
        Choice(str(value), {_OPTIONS: f"{option} {value}"} if number else {}) for number, value in enumerate(values)
    )


#: Further options of vLLM's command line: the one variable that several factors can add to.
_OPTIONS = "VLLM_SERVER_OPTIONS"
#: Of every stack that is measured, under its choice: requests of the mix are equal more often than a fleet's.
BASE = {"ANSWERS_SHARED": "false"}
_WITHOUT_ADAPTER = {"LLAMACPP_TUNED": "", "LLAMACPP_LORA_PATH": ""}
_QUEUE = (
    Factor(
        "batch",
        "how long the worker collects behaviours before it starts them",
        (
            Choice("what is there, at once"),
            Choice("up to 5 ms", {"BATCH_EAGER": "false"}),
            Choice("up to 50 ms", {"BATCH_EAGER": "false", "BATCH_INTERVAL_MS": "50"}),
        ),
    ),
    Factor("batch size", "behaviours that the worker collects at most", _set("BATCH_SIZE", "16", "1", "64")),
    Factor(
        "equal requests",
        "whether they are generated for once",
        (
            Choice("each by itself"),
            Choice("those at one time", {"ANSWERS_SHARED": "true"}),
            Choice("later ones too", {"ANSWERS_SHARED": "true", "ANSWERS_KEPT": "1000"}),
        ),
        told_only=True,
    ),
)

LLAMACPP = Space(
    (
        Factor(
            "prompt",
            "what the model is told of the robot's API",
            (Choice("nothing: it is fine-tuned"), Choice("API and examples, as published", _WITHOUT_ADAPTER)),
            answers=True,
        ),
        Factor(
            "adapter",
            "where the fine-tuned model has what it has learnt",
            (Choice("in its weights"), Choice("beside them", {"LLAMACPP_TUNED": "nao=0"})),
        ),
        Factor(
            "weights",
            "form of the weights that have been fine-tuned",
            _set("LLAMACPP_MERGED_WEIGHTS", "q8_0", "q4_0", "f16"),
            answers=True,
        ),
        Factor("slots", "generations that advance together", _set("LLAMACPP_SLOTS", "4", "1", "2", "8")),
        Factor("threads", "threads of the engine", (Choice("all cores"), Choice("1", {"LLAMACPP_THREADS": "1"}))),
        Factor(
            "waiting threads",
            "how long a thread of the engine spins before it sleeps",
            # Not for ever: such an engine takes the cores from the others that are up, though nobody asks it anything.
            (Choice("a little"), Choice("not at all", {"GOMP_SPINCOUNT": "0"})),
        ),
        Factor(
            "in flight",
            "generations that the worker has the engine hold, some of them waiting there",
            _set("LLAMACPP_MAX_CONCURRENCY", "8", "4", "16"),
        ),
        Factor(
            "prompt reuse",
            "whether what two prompts begin with is read once",
            _set("LLAMACPP_REUSE_PROMPTS", "true", "false"),
        ),
        Factor(
            "prompt cache",
            "memory for prompts that lost their slot, MiB",
            _set("LLAMACPP_PROMPT_CACHE_MIB", "256", "0"),
        ),
        Factor(
            "grammar",
            "whether the engine can write nothing but programs",
            (Choice("held to it"), Choice("free", {"LLAMACPP_GRAMMAR": "none"})),
            answers=True,
        ),
        Factor("speculation", "tokens that are tried ahead", _set("LLAMACPP_SPECULATION", "none", "ngram")),
        *_QUEUE,
    )
)

TGI = Space(
    (
        Factor("quantisation", "form of the weights", (Choice("as published"), Choice("fp8", {"QUANTIZE": "fp8"})),
               answers=True),
        Factor("cache's form", "numbers of the key-value cache",
               (Choice("as the weights"), Choice("fp8", {"KV_CACHE_DTYPE": "fp8_e4m3fn"})), answers=True),
        Factor("CUDA graphs", "batch sizes that are recorded",
               (Choice("its own"), Choice("up to 64", {"CUDA_GRAPHS": "1,2,4,8,16,32,64"}),
                Choice("none", {"CUDA_GRAPHS": "0"}))),
        Factor("prefill", "prompt tokens read in one step",
               (Choice("its own"), Choice("2048", {"MAX_BATCH_PREFILL_TOKENS": "2048"}),
                Choice("16384", {"MAX_BATCH_PREFILL_TOKENS": "16384"}))),
        Factor("requests", "requests that it takes at once",
               (Choice("its own"), Choice("512", {"MAX_CONCURRENT_REQUESTS": "512", "TGI_MAX_CONCURRENCY": "512"}))),
        Factor("speculation", "tokens guessed ahead", (Choice("none"), Choice("2", {"SPECULATE": "2"}))),
        *_QUEUE,
    ),
    "env/tgi-tuned.env",
)  # fmt: skip

TENSORRTLLM = Space(
    (
        Factor("batch of the engine", "requests that advance together", _yaml("max_batch_size", 512, 128, 2048)),
        Factor("tokens a step", "tokens of all requests in one step", _yaml("max_num_tokens", 8192, 2048, 16384)),
        Factor("chunked prefill", "whether long prompts come in parts", _yaml("enable_chunked_prefill", True, False)),
        Factor("prefix reuse", "whether what prompts begin with is read once",
               _yaml("kv_cache_config.enable_block_reuse", True, False)),
        Factor("cache's form", "numbers of the key-value cache", _yaml("kv_cache_config.dtype", "auto", "fp8"),
               answers=True),
        Factor("CUDA graphs", "whether batches are padded to a recorded size",
               _yaml("cuda_graph_config.enable_padding", True, False)),
        Factor("overlap", "whether the host prepares a step while the last one runs",
               (Choice("true"), Choice("false", model_yaml={"disable_overlap_scheduler": True}))),
        *_QUEUE,
    ),
    "env/tensorrtllm-tuned.env",
)  # fmt: skip

VLLM = Space(
    (
        Factor("sequences", "requests that advance together", _option("--max-num-seqs", 128, 64, 512)),
        Factor("tokens a step", "tokens of all requests in one step",
               (Choice("its own"), *_option("--max-num-batched-tokens", 0, 2048, 16384)[1:])),
        Factor("prefix reuse", "whether what prompts begin with is read once",
               (Choice("true"), Choice("false", {_OPTIONS: "--no-enable-prefix-caching"}))),
        Factor("cache's form", "numbers of the key-value cache",
               (Choice("as the weights"), Choice("fp8", {_OPTIONS: "--kv-cache-dtype fp8"})), answers=True),
        Factor("CUDA graphs", "whether steps are recorded and compiled",
               (Choice("true"), Choice("false", {_OPTIONS: "--enforce-eager"}))),
        Factor("memory", "share of the GPU's memory", _set("VLLM_SERVER_GPU_MEMORY_UTILIZATION", "0.9", "0.5")),
        Factor("in flight", "generations that the worker has it hold",
               _set("VLLM_MAX_CONCURRENCY", "64", "128", "256")),
        *_QUEUE,
    ),
    "env/vllm-tuned.env",
)  # fmt: skip

SPACES = {"llamacpp": LLAMACPP, "tgi": TGI, "tensorrtllm": TENSORRTLLM, "vllm": VLLM}
