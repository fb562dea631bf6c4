"""Which backend a request goes to, and what the settings may say about it."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from services.backends.config import BackendConfig, Backends
from services.backends.routing import Routing, load_routing
from services.settings import SettingError

NAMES = ("llamacpp", "tgi", "vllm")
BACKENDS = Backends(
    default="llamacpp",
    configured={name: BackendConfig(name=name, kind="openai", url="http://127.0.0.1:1") for name in NAMES},
)


def test_with_nothing_set_there_is_one_way() -> None:
    routing = load_routing(BACKENDS, {"BACKEND_SPLIT": "", "BACKEND_FAILOVER": " ", "BACKEND_SHADOW": ""})
    assert routing.choose() == "llamacpp"
    assert routing.candidates("llamacpp", named=False) == ("llamacpp",)
    assert routing.shadows("llamacpp") == []
    assert routing.serving == {"llamacpp"}


def test_a_split_draws_by_weight() -> None:
    routing = load_routing(BACKENDS, {"BACKEND_SPLIT": "tgi=70, VLLM=30"})
    draw = random.Random(1).random
    drawn = Counter(routing.choose(draw) for _ in range(10_000))
    assert set(drawn) == {"tgi", "vllm"}
    assert drawn["tgi"] / 10_000 == pytest.approx(0.7, abs=0.02)
    assert routing.choose(lambda: 0.0) == "tgi"
    assert routing.choose(lambda: 1.0 - 2**-53) == "vllm"
    assert routing.serving == {"tgi", "vllm"}


def test_another_name_of_a_backend_is_taken_everywhere() -> None:
    triton = BackendConfig(name="tensorrtllm", kind="triton", url="http://127.0.0.1:1")
    backends = Backends(default="llamacpp", configured={**BACKENDS.configured, "tensorrtllm": triton})
    settings = {"BACKEND_SPLIT": "triton=3,tgi=1", "BACKEND_FAILOVER": "Triton", "BACKEND_SHADOW": "triton=0.5"}
    routing = load_routing(backends, settings)
    assert (routing.split, routing.failover) == ({"tensorrtllm": 0.75, "tgi": 0.25}, ("tensorrtllm",))
    assert routing.shadow == {"tensorrtllm": 0.5}
    with pytest.raises(SettingError, match="tensorrtllm"):
        load_routing(backends, {"BACKEND_SPLIT": "triton=1,tensorrtllm=1"})


def test_rounding_leaves_no_gap_at_the_end() -> None:
    assert Routing({"a": 0.1, "b": 0.2, "c": 0.6999}).choose(lambda: 0.99999) == "c"


def test_failover_goes_on_in_its_order_but_not_from_a_named_backend() -> None:
    routing = load_routing(BACKENDS, {"BACKEND_FAILOVER": "vllm,llamacpp,tgi"})
    assert routing.candidates("llamacpp", named=False) == ("llamacpp", "vllm", "tgi")
    assert routing.candidates("tgi", named=False) == ("tgi", "vllm", "llamacpp")
    assert routing.candidates("tgi", named=True) == ("tgi",)
    assert routing.serving == set(NAMES)


def test_shadows_get_their_share_and_never_what_they_serve_anyway() -> None:
    routing = load_routing(BACKENDS, {"BACKEND_SHADOW": "vllm=0.25,tgi=1"})
    draw = random.Random(1).random
    copies = Counter(name for _ in range(4000) for name in routing.shadows("llamacpp", draw))
    assert copies["tgi"] == 4000
    assert copies["vllm"] == pytest.approx(1000, abs=100)
    assert "tgi" not in routing.shadows("tgi")


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("BACKEND_SPLIT", "tgi=70,deepspeed=30", "set DEEPSPEED_URL"),
        ("BACKEND_SPLIT", "tgi", "as in tgi=1"),
        ("BACKEND_SPLIT", "tgi=0", "number above 0"),
        ("BACKEND_SPLIT", "tgi=nan", "number above 0"),
        ("BACKEND_SPLIT", "tgi=inf", "number above 0"),
        ("BACKEND_SPLIT", "tgi=1,tgi=2", "once"),
        ("BACKEND_SPLIT", "=1", "nothing"),
        ("BACKEND_FAILOVER", "tgi;vllm", "not configured"),
        ("BACKEND_FAILOVER", "vllm,llamacpp,VLLM", "names vllm more than once"),
        ("BACKEND_SHADOW", "vllm=10", "from 0 to 1"),
    ],
)
def test_what_is_wrong_is_said(setting: str, value: str, says: str) -> None:
    with pytest.raises(SettingError, match=setting) as caught:
        load_routing(BACKENDS, {setting: value})
    assert says in str(caught.value)
