from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.engines.triton import server
from services.engines.triton.server import TritonMissing, backends, command
from services.engines.triton.settings import TritonSettings


def test_the_backend_lies_beside_the_stub_for_this_python(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    folder = backends(environ)
    names = {path.name for path in (folder / "python").iterdir()}
    assert names == {"libtriton_python.so", "triton_python_backend_utils.py", "triton_python_backend_stub"}
    stub = (folder / "python" / "triton_python_backend_stub").resolve()
    assert stub.parent.name == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_links_to_what_is_gone_are_mended(tmp_path: Path) -> None:
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    stub = backends(environ) / "python" / "triton_python_backend_stub"
    stub.unlink()
    stub.symlink_to(tmp_path / "gone")
    backends(environ)
    assert stub.resolve().is_file()


def test_everything_listens_where_the_settings_say() -> None:
    line = command(TritonSettings(host="127.0.0.7", http_port=1, grpc_port=2, metrics_port=3), Path("/backends"))
    for service, port in (("http", 1), ("grpc", 2), ("metrics", 3)):
        assert f"--{service}-address=127.0.0.7" in line
        assert f"--{service}-port={port}" in line


def test_a_missing_wheel_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(TritonMissing, match=r"install requirements/triton\.txt"):
        backends({})
