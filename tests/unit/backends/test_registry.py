"""Which adapter and dialect a backend gets, and what must be installed for that."""

from __future__ import annotations

import subprocess
import sys

#: What requirements/worker.txt has and requirements/router.txt has not.
WORKERS_OWN = ("aiohttp", "tritonclient", "grpc", "numpy")


def test_the_router_needs_no_client_library_of_the_workers() -> None:
    program = f"""
import sys
sys.modules.update(dict.fromkeys({WORKERS_OWN}))
import services.router.app
from services.backends.config import load_backends
from services.backends.registry import dialect_for
for config in load_backends({{"BACKENDS": "llamacpp,tgi,tensorrtllm,vllm,transformers,deepspeed"}}).configured.values():
    dialect_for(config)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
