"""What people call a backend, beside its own name. Needs only the standard library, and nothing of ours."""

from __future__ import annotations

_ALIASES = {"triton": "tensorrtllm", "llama.cpp": "llamacpp"}


def own_name(name: str) -> str:
    """The name by which the backend is known to every service, for that or for another one of it."""
    return _ALIASES.get(name, name)
