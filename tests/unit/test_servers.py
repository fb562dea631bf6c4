"""What the tests start goes with them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def runs(pid: int) -> bool:
    """Whether the process is there, and not only its entry in the table."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


ANY = "from tests.servers import start_server; pid = start_server(['sleep', '300']).pid"
TRITON = (
    "import sys; from pathlib import Path; sys.path.insert(0, 'tests/contract/triton');"
    "from running_triton import start; pid = start(Path(sys.argv[1]))[0].pid"
)


@pytest.mark.parametrize(
    ("starting", "signum"),
    [(ANY, signal.SIGKILL), (ANY, signal.SIGTERM), (ANY, signal.SIGINT), (TRITON, signal.SIGTERM)],
)
def test_no_server_outlives_the_tests(starting: str, signum: signal.Signals, tmp_path: Path) -> None:
    program = f"import time; {starting}; print(pid, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as tests:  # fmt: skip
        assert tests.stdout is not None
        server = int(tests.stdout.readline())
        assert runs(server)
        tests.send_signal(signum)
        tests.wait(timeout=15)
    deadline = time.monotonic() + 10
    while runs(server):
        assert time.monotonic() < deadline, f"process {server} runs on"
        time.sleep(0.02)
