"""Backends from the environment: defaults, overrides, and sentences for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.backends.config import check_robots, load_backends
from services.settings import SettingError


def test_nothing_set_means_llama_cpp_on_this_machine() -> None:
    backends = load_backends({})
    assert backends.default == "llamacpp"
    assert list(backends.configured) == ["llamacpp"]
    config = backends.configured["llamacpp"]
    assert (config.url, config.health_path, config.model, config.grammar) == (
        "http://127.0.0.1:8080",
        "/health",
        "",
        "gbnf",
    )


def test_every_field_can_be_set() -> None:
    config = load_backends(
        {
            "BACKEND": "LlamaCpp",
            "LLAMACPP_URL": "http://engine:9000",
            "LLAMACPP_MODEL": "tiny",
            "LLAMACPP_MAX_CONCURRENCY": "3",
            "LLAMACPP_CONNECT_TIMEOUT_S": "0.5",
            "LLAMACPP_FIRST_TOKEN_TIMEOUT_S": "5",
            "LLAMACPP_IDLE_TIMEOUT_S": "7",
            "LLAMACPP_GRAMMAR": "none",
            "LLAMACPP_VISION": "true",
            "LLAMACPP_HEALTH_PATH": "/live",
            "LLAMACPP_TUNED": "nao = 0, porter=1",
        }
    ).configured["llamacpp"]
    assert config.model_dump(exclude={"name", "kind", "api_key"}) == {
        "url": "http://engine:9000",
        "model": "tiny",
        "max_concurrency": 3,
        "connect_timeout_s": 0.5,
        "first_token_timeout_s": 5.0,
        "idle_timeout_s": 7.0,
        "grammar": "none",
        "tuned": {"nao": "0", "porter": "1"},
        "adapters_by": "number",
        "chat_template": "chatml",
        "batching": "continuous",
        "batch_wait_ms": 20.0,
        "grpc_port": 8001,
        "vision": True,
        "health_path": "/live",
    }


def test_an_adapter_is_named_for_its_robot_alone() -> None:
    config = load_backends({"BACKEND": "vllm", "VLLM_TUNED": "nao=behaviours,porter"}).configured["vllm"]
    assert [config.adapter(robot) for robot in ("nao", "porter", "pepper")] == ["behaviours", None, None]
    assert [robot in config.tuned for robot in ("nao", "porter", "pepper")] == [True, True, False]


def test_an_adapter_that_llama_cpp_cannot_know_is_told() -> None:
    with pytest.raises(SettingError, match="LLAMACPP_TUNED=nao=nao: the server knows adapters by their numbers"):
        load_backends({"LLAMACPP_TUNED": "nao=nao"})


@pytest.mark.parametrize("value", ["abc", "noa=0", "{", "nao=0,noa=1"])
def test_a_robot_that_there_is_not_is_told(value: str) -> None:
    backends = load_backends({"LLAMACPP_TUNED": value})
    with pytest.raises(SettingError, match=r"^LLAMACPP_TUNED names a robot .*known are: nao, porter"):
        check_robots(backends, ("porter", "nao"))


def test_every_known_backend_is_one_variable_away() -> None:
    kinds = {}
    for name in ("llamacpp", "tgi", "tensorrtllm", "vllm", "transformers", "deepspeed"):
        backends = load_backends({"BACKEND": name})
        assert list(backends.configured) == [backends.default] == [name]
        kinds[name] = backends.configured[name].kind
    assert kinds == {
        "llamacpp": "openai",
        "tgi": "tgi",
        "tensorrtllm": "triton",
        "vllm": "openai",
        "transformers": "openai",
        "deepspeed": "openai",
    }


def test_several_are_those_that_are_named_or_have_an_address() -> None:
    urls = {"TGI_URL": "http://a:1", "VLLM_URL": "http://b:1", "LLAMACPP_URL": "http://c:1"}
    assert set(load_backends({"BACKEND": "tgi", **urls}).configured) == {"tgi", "vllm", "llamacpp"}
    chosen = load_backends({"BACKENDS": "vllm, TGI", **urls})
    assert (chosen.default, set(chosen.configured)) == ("vllm", {"tgi", "vllm"})


@pytest.mark.parametrize("environ", [{"BACKEND": "Triton"}, {"BACKENDS": "triton"}])
def test_triton_is_tensorrtllm(environ: dict[str, str]) -> None:
    backends = load_backends(environ)
    assert (backends.default, list(backends.configured)) == ("tensorrtllm", ["tensorrtllm"])
    assert load_backends({"BACKEND": "tensorrtllm", "BACKENDS": "tgi,triton"}).configured.keys() == {
        "tgi", "tensorrtllm",
    }  # fmt: skip


def test_empty_values_count_as_unset() -> None:
    names = ("BACKEND", "LLAMACPP_URL", "LLAMACPP_MODEL", "LLAMACPP_MAX_CONCURRENCY", "LLAMACPP_API_KEY_FILE")
    assert load_backends(dict.fromkeys(names, "")) == load_backends({})


@pytest.mark.parametrize("written", ["http://e:1/", "http://e:1/v1", "http://e:1/v1/", " http://e:1 "])
def test_the_address_may_be_written_as_for_openai_clients(written: str) -> None:
    assert load_backends({"LLAMACPP_URL": written}).configured["llamacpp"].url == "http://e:1"


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"BACKEND": "gpt"}, "BACKEND=gpt is not a known backend; choose one of: llamacpp, tgi, "),
        ({"BACKENDS": "tgi,gpt"}, "BACKENDS=gpt is not a known backend"),
        ({"BACKENDS": "gpt"}, "BACKENDS=gpt is not a known backend"),
        # So compose sets the one where somebody sets the other.
        ({"BACKEND": "gpt", "BACKENDS": "gpt"}, "BACKEND=gpt is not a known backend"),
        ({"BACKEND": "tgi", "BACKENDS": "tgi,gpt"}, "BACKENDS=gpt is not a known backend"),
        ({"BACKEND": "tgi", "BACKENDS": "vllm"}, "BACKEND=tgi is not among BACKENDS=vllm"),
        ({"BACKENDS": "tgi,vllm,TGI"}, "BACKENDS names tgi more than once; name each backend once."),
        ({"LLAMACPP_TUNED": "nao=0, nao=1"}, "LLAMACPP_TUNED=nao=0, nao=1 is not valid: it names the robot nao twice"),
        ({"LLAMACPP_URL": "engine:8080"}, "LLAMACPP_URL=engine:8080 is not valid"),
        ({"LLAMACPP_URL": "http://u:hunter2@engine:8080"}, "LLAMACPP_URL is not valid: it must not hold a user name"),
        ({"LLAMACPP_MAX_CONCURRENCY": "none"}, "LLAMACPP_MAX_CONCURRENCY=none is not valid"),
        ({"LLAMACPP_IDLE_TIMEOUT_S": "0"}, "LLAMACPP_IDLE_TIMEOUT_S=0 is not valid"),
        ({"LLAMACPP_FIRST_TOKEN_TIMEOUT_S": "nan"}, "LLAMACPP_FIRST_TOKEN_TIMEOUT_S=nan is not valid"),
        ({"LLAMACPP_API_KEY_FILE": "/no/such/file"}, "LLAMACPP_API_KEY_FILE=/no/such/file cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingError) as raised:
        load_backends(environ)
    assert str(raised.value).startswith(told)


def test_the_key_comes_from_its_file_and_does_not_show(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("s3cret\n", encoding="utf-8-sig")
    config = load_backends({"LLAMACPP_API_KEY_FILE": str(key_file)}).configured["llamacpp"]
    assert config.api_key is not None
    assert config.api_key.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize("content", ["", "\n", "two\nlines", "schlüssel"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: str) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingError, match="must hold one key"):
        load_backends({"LLAMACPP_API_KEY_FILE": str(key_file)})
