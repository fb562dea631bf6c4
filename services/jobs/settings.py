"""Settings of the queue, from environment variables of the same names in capitals."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict

_DAY_S = 24 * 60 * 60
#: The number of the last database that a Redis can have.
_LAST_DATABASE = 2**31 - 2
#: What may be said about TLS in the store's address, where both clients take it and take it alike; the values, if few.
_TLS_OPTIONS: dict[str, frozenset[str]] = {
    "ssl_ca_certs": frozenset(),
    "ssl_ca_path": frozenset(),
    "ssl_certfile": frozenset(),
    "ssl_keyfile": frozenset(),
    "ssl_password": frozenset(),
    "ssl_ciphers": frozenset(),
    "ssl_cert_reqs": frozenset({"none", "optional", "required"}),
    "ssl_check_hostname": frozenset({"true", "false"}),
}


def _checked_redis_url(url: str) -> str:
    """The address, if both clients, redis-py and Celery's kombu, can go to it. Raises ValueError."""
    try:
        parts = urlsplit(url)
        database = parts.path.removeprefix("/") or "0"
        options = parse_qs(parts.query, keep_blank_values=True)
        place = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0 and database.isdecimal()
    except ValueError:  # whose words may repeat the password
        place = False
    if not place or not all(name.startswith("ssl_") for name in options):
        raise ValueError(
            "it has to be like redis://127.0.0.1:6379/0, or with TLS like rediss://store:6380/0?ssl_ca_certs=/etc/ca.pem"
        )
    if len(database) > len(str(_LAST_DATABASE)) or int(database) > _LAST_DATABASE:
        raise ValueError(f"the database is a number up to {_LAST_DATABASE}, and up to 15 as Redis comes")
    for name, values in options.items():
        _check_tls_option(parts.scheme, name, values)
    return url


def _check_tls_option(scheme: str, name: str, values: list[str]) -> None:
    if name not in _TLS_OPTIONS:
        raise ValueError(f"there is no option {name}; there are {', '.join(sorted(_TLS_OPTIONS))}")
    if scheme != "rediss":
        raise ValueError(f"the option {name} is for TLS, which takes an address that begins with rediss://")
    known = _TLS_OPTIONS[name]
    if len(values) > 1 or not values[0] or (known and values[0] not in known):
        raise ValueError(f"the option {name} needs one value" + (f": {' or '.join(sorted(known))}" if known else ""))


RedisUrl = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_checked_redis_url)]


class JobSettings(BaseSettings):
    """What the router and the workers agree on about the queue; give both the same values."""

    # Compose passes optional variables on as empty ones: empty means unset.
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore")

    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    #: Behaviours that may wait for a worker; one more is answered with 429.
    queue_limit: Annotated[int, Field(gt=0, le=100_000)] = 1000
    #: Bytes of all requests that wait or run (images are large): one that does not fit is answered with 429.
    queue_max_bytes: Annotated[int, Field(gt=0, le=16 * 1024**3)] = 64 * 1024**2
    #: Seconds that a behaviour may wait for a worker before it fails.
    queue_ttl_s: Annotated[int, Field(gt=0, le=_DAY_S)] = 600
    #: Seconds that a finished behaviour, its events and its idempotency key are kept.
    result_ttl_s: Annotated[int, Field(gt=0, le=30 * _DAY_S)] = 3600
    #: Finished behaviours kept at most, whatever their age, and with them their idempotency keys: the bound on the
    #: store's memory. What a simulated robot did is kept with each, which is a thousand bytes for most of them
    #: (``MAX_RECORDING_CHARACTERS`` at most).
    results_limit: Annotated[int, Field(gt=0, le=1_000_000)] = 20_000
    #: Seconds after which a silent worker is taken for dead; it renews three times as often.
    lease_s: Annotated[int, Field(gt=0, le=600)] = 10
    #: Times that a behaviour is started before it fails, when workers die while they have it.
    max_attempts: Annotated[int, Field(gt=0, le=100)] = 3
