"""``python -m services.engines.vllm``: vLLM's own server, in place of this process."""

from __future__ import annotations

import os
import sys

from services.engines.launch import become, give_up
from services.engines.vllm.settings import EngineSettings
from services.settings import SettingError, read_settings


def main() -> int:
    """Become vLLM's server; 1 with one sentence if the settings are wrong."""
    try:
        settings = read_settings(EngineSettings)
    except SettingError as error:
        return give_up(str(error))
    # vLLM warns of each variable of this kind that it does not know.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("VLLM_SERVER_")}
    # Reports of how it is used go to vLLM's makers unless it is told not to.
    environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    become("vllm.entrypoints.openai.api_server", settings.arguments(), environ)


if __name__ == "__main__":
    sys.exit(main())
