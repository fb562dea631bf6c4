"""Faults in settings are told by the name of the variable, and no secret with them."""

from __future__ import annotations

import pytest

from services.jobs.settings import JobSettings
from services.settings import SettingError, read_settings
from services.worker.settings import WorkerSettings


def fault(kind: type[JobSettings] | type[WorkerSettings], monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError) as raised:
        read_settings(kind)
    return str(raised.value)


def test_every_wrong_setting_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(JobSettings, monkeypatch, QUEUE_LIMIT="0", LEASE_S="soon")
    assert "QUEUE_LIMIT=0 is not valid: Input should be greater than 0" in told
    assert "LEASE_S=soon is not valid: " in told


def test_what_may_hold_a_password_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(JobSettings, monkeypatch, REDIS_URL="http://:hunter2@store:6379")
    assert told.startswith("REDIS_URL is not valid: ")
    assert "hunter2" not in told


def test_a_worker_is_not_taken_for_silent_while_it_collects_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    told = fault(WorkerSettings, monkeypatch, BATCH_INTERVAL_MS="60000")
    assert told == (
        "WORKER_SILENCE_S=60 would end a healthy worker: with BATCH_INTERVAL_MS=60000 it has to be at least 130"
    )
