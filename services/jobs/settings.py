"""Settings of the queue, from environment variables of the same names in capitals."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

Positive = Annotated[int, Field(gt=0)]


class JobSettings(BaseSettings):
    """What the router and the workers agree on about the queue; give both the same values."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    redis_url: Annotated[str, StringConstraints(pattern=r"^(rediss?|unix)://\S+$")] = "redis://127.0.0.1:6379/0"
    #: Behaviours that may wait for a worker; one more is answered with 429.
    queue_limit: Positive = 1000
    #: Bytes of all requests that wait or run (images are large): one that does not fit is answered with 429.
    queue_max_bytes: Positive = 64 * 1024 * 1024
    #: Seconds that a behaviour may wait for a worker before it fails.
    queue_ttl_s: Positive = 600
    #: Seconds that a finished behaviour, its events and its idempotency key are kept.
    result_ttl_s: Positive = 3600
    #: Finished behaviours kept at most, whatever their age: the bound on the store's memory. What a simulated robot did
    #: is kept with each, which is a thousand bytes for most of them (``MAX_RECORDING_CHARACTERS`` at most).
    results_limit: Positive = 20_000
    #: Seconds after which a silent worker is taken for dead; it renews three times as often.
    lease_s: Positive = 10
    #: Times that a behaviour is started before it fails, when workers die while they have it.
    max_attempts: Positive = 3
