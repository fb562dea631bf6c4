"""``python -m loadtest.traffic``: Locust with the load test, and a help that says how to use it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_HELP = """\
usage: scripts/loadtest [OPTION …]

Load test of the robot behaviour engine, with Locust: robots that ask for behaviours, and what they see of the answers.

In the browser, beside an engine that runs, such as that of `scripts/quickstart --keep --port 8000`:

  scripts/loadtest                                          then open http://127.0.0.1:8089
  scripts/loadtest --host http://127.0.0.1:8001             the engine is elsewhere

Without, for scripts and CI; options set here are those of the form, and what the form begins with:

  scripts/loadtest --headless --users 4 --run-time 30s
  scripts/loadtest --headless --users 4 --run-time 30s --backend vllm,llamacpp        both, half of the robots each
  scripts/loadtest --headless --arrivals poisson --rate 2 --run-time 1m --door passthrough
  scripts/loadtest --headless --users 32 --shape steps --run-time 5m --records reports/steps.jsonl
  scripts/loadtest --headless --arrivals replay --trace reports/steps.jsonl --users 8   the same requests once more

  --backend NAME,…            LLM servers by the router's names; else its default
  --door durable|passthrough  /v1/behaviors and its events, or /v1/chat/completions
  --mix NAME --seed N         what is asked for: daily, short, long, english, chinese or scenes
  --users N                   robots; --think-time-s seconds between an answer and the next request
  --arrivals, --rate R        closed: robots wait for answers; poisson, constant: R requests a second; replay: a --trace
  --shape NAME                constant, ramp, steps, spike or soak, over --run-time
  --slo-ttft-s, --slo-ttfa-s, --slo-e2e-s, --timeout-s
  --records FILE              one JSON line a request, over a file that is there
  --options                   all options, Locust's too

Exit status: 0 all requests were completed; 1 some were not (--exit-code-on-error 0 lets them pass) or none was asked; 2
the engine, a backend or an option is not what it should be, or records could not be written.
Workers on several cores or machines: --processes 2, or --master and --worker. DEPLOY.md, "Load test", tells more.
The first run installs the packages (about 50 MB) into .venvs/. PYTHON=/path/to/python chooses the Python (3.11 or 3.12,
with pip).
"""


def main(arguments: Sequence[str]) -> None:
    """Become Locust with the arguments; never returns."""
    parser = argparse.ArgumentParser(prog="scripts/loadtest", add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--options", action="store_true")
    ours, rest = parser.parse_known_args(arguments)
    if ours.help:
        print(_HELP, end="")
        sys.exit(0)
    from locust.main import main as locust  # late: the help is there before anything is installed

    os.environ.setdefault("LOCUST_LOCUSTFILE", str(Path(__file__).resolve().parents[1] / "locustfile.py"))
    os.environ.setdefault("LOCUST_HOST", "http://127.0.0.1:8000")
    os.environ.setdefault("LOCUST_WEB_HOST", "127.0.0.1")
    sys.argv = ["scripts/loadtest", *rest, *(["--help"] if ours.options else [])]
    locust()
    sys.exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
