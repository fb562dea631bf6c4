"""The file whose age tells that the worker consumes."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from services.backends.circuit import CircuitSettings
from services.backends.config import load_backends
from services.backends.routing import load_routing
from services.jobs.settings import JobSettings
from services.worker.service import PROBE, WorkerService
from services.worker.settings import WorkerSettings


def test_a_probe_touches_it_and_a_batch_goes_on_where_it_cannot(tmp_path: Path) -> None:
    file = tmp_path / "health" / "consumed"
    file.parent.mkdir()
    backends = load_backends({})
    settings = WorkerSettings(worker_health_file=file)
    service = WorkerService(settings, JobSettings(), backends, load_routing(backends, {}), CircuitSettings())
    with closing(service._loop) as loop:
        loop.run_until_complete(service._handover([PROBE]))
        assert file.exists()
        file.unlink()
        file.parent.rmdir()
        loop.run_until_complete(service._handover([PROBE]))
    assert not file.parent.exists()
