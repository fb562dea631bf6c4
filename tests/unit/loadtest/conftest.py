"""Locust patches the process that imports it; the tests of its statistics need nothing of that."""

import os

os.environ["LOCUST_SKIP_MONKEY_PATCH"] = "1"
