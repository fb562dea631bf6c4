"""What holds for every container, whichever services were started."""

from __future__ import annotations

from typing import Any

from tests.stack.conftest import ComposeStack


def assert_no_rights(document: dict[str, Any]) -> None:
    """The container engine was told to give a container nothing but what it needs."""
    service = document["Config"]["Labels"]["com.docker.compose.service"]
    host = document["HostConfig"]
    assert document["Config"]["User"].split(":")[0] not in ("", "0", "root"), service
    assert host["ReadonlyRootfs"], service
    assert host["CapDrop"] == ["ALL"], service
    assert not host["CapAdd"], service
    assert not host["Privileged"], service
    assert "no-new-privileges:true" in host["SecurityOpt"], service
    assert host["Memory"] > 0, service
    assert host["PidsLimit"] > 0, service
    assert host["Init"], service
    assert host["RestartPolicy"]["Name"] == "unless-stopped", service
    assert host["LogConfig"]["Config"]["max-size"], service
    assert {"noexec", "nosuid"} <= set(host["Tmpfs"]["/tmp"].split(",")), service
    assert "size=" in host["Tmpfs"]["/tmp"], service
    writable = {mount["Destination"] for mount in document["Mounts"] if mount["RW"]}
    assert writable == ({"/data"} if service == "redis" else set()), service


def assert_held_by_the_kernel(stack: ComposeStack, service: str) -> None:
    """A service's process has no rights, gains none, and cannot write its file system."""
    status = dict(line.split(":\t", 1) for line in stack.exec(service, "cat", "/proc/self/status").stdout.splitlines())
    assert status["Uid"].split()[0] != "0", service
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, service
    assert status["NoNewPrivs"] == "1", service
    assert stack.exec(service, "touch", "/proof").returncode != 0, f"{service} can write its file system"
