from __future__ import annotations

import redis

from services.embedded import store
from services.embedded.ports import port_of, reserve_port


def test_store_never_evicts_and_logs_every_change(redis_client: redis.Redis) -> None:
    assert redis_client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert redis_client.config_get("appendonly") == {"appendonly": "yes"}
    assert redis_client.config_get("bind") == {"bind": "127.0.0.1"}


def test_nobody_answers_on_a_port_that_is_only_held() -> None:
    with reserve_port() as holder:
        assert not store.answers(port_of(holder))
