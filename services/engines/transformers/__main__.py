"""``python -m services.engines.transformers``: Transformers' own server, in place of this process."""

from __future__ import annotations

import os
import sys

from services.engines.launch import become, give_up
from services.engines.transformers.settings import EngineSettings
from services.settings import SettingError, read_settings


def main() -> int:
    """Become ``transformers serve``; 1 with one sentence if the settings are wrong."""
    try:
        settings = read_settings(EngineSettings)
    except SettingError as error:
        return give_up(str(error))
    become("transformers.cli.transformers", ["serve", *settings.arguments()], os.environ)


if __name__ == "__main__":
    sys.exit(main())
