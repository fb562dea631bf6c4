"""Settings of the queue, from environment variables of the same names in capitals."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

Positive = Annotated[int, Field(gt=0)]


def _checked_redis_url(url: str) -> str:
    """The address, if both clients, redis-py and Celery's kombu, can go to it. Raises ValueError."""
    try:
        parts = urlsplit(url)
        database = parts.path.removeprefix("/") or "0"
        options = parse_qs(parts.query, keep_blank_values=True)
        place = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0 and database.isdecimal()
        if place and all(name.startswith("ssl_") for name in options):
            return url
    except ValueError:  # whose words may repeat the password
        pass
    raise ValueError(
        "it has to be like redis://127.0.0.1:6379/0, or with TLS like rediss://store:6380/0?ssl_ca_certs=/etc/ca.pem"
    )


RedisUrl = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_checked_redis_url)]


class JobSettings(BaseSettings):
    """What the router and the workers agree on about the queue; give both the same values."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
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
