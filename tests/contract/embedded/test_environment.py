"""The environment that the scripts make, with the real pip and a package index of one wheel, no network needed."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
#: The Python that the test environment was made from: it has pip, which the environment itself lacks.
BASE_PYTHON = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def build_wheel(directory: Path, version: str) -> str:
    """Write the wheel of a package ``onething`` and return its pinned requirement."""
    info = f"onething-{version}.dist-info"
    path = directory / f"onething-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("onething.py", f"version = {version!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: onething\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"onething.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return f"onething=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Checkout:
    """A copy of what the scripts need before anything is installed, whose requirements are one small wheel."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir(parents=True)
        shutil.copytree(ROOT / "scripts", root / "scripts")
        shutil.copytree(ROOT / "services" / "embedded", root / "services" / "embedded")
        self.requirements = root / "requirements" / "embedded.txt"
        self.requirements.parent.mkdir()
        self.requirements.write_text(build_wheel(self.wheels, "1.0"))
        # In place of the quick start, a module that says which environment it runs in.
        (root / "services" / "embedded" / "quickstart.py").write_text(
            "import sys, onething; print(onething.version, sys.prefix)"
        )
        self.env = {**os.environ, "PYTHON": BASE_PYTHON, "PIP_FIND_LINKS": str(self.wheels), "PIP_NO_INDEX": "1"}

    @property
    def environment(self) -> Path:
        return self.root / ".venvs" / "embedded"

    def start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / "scripts" / "quickstart")],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def run(self) -> tuple[int, str, str]:
        process = self.start()
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def assert_one_sentence(status: int, err: str, words: str) -> None:
    assert status != 0
    assert words in err
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].endswith("."), err


def test_second_run_installs_nothing(checkout: Checkout) -> None:
    status, out, err = checkout.run()
    assert (status, out) == (0, f"1.0 {checkout.environment}\n"), err
    assert "Installing" in err
    status, out, err = checkout.run()
    assert (status, out, err) == (0, f"1.0 {checkout.environment}\n", "")


def test_changed_requirements_make_it_anew(checkout: Checkout) -> None:
    checkout.run()
    checkout.requirements.write_text(build_wheel(checkout.wheels, "2.0"))
    status, out, err = checkout.run()
    assert (status, out) == (0, f"2.0 {checkout.environment}\n"), err


def test_an_interrupted_first_run_is_made_good(checkout: Checkout) -> None:
    checkout.run()
    (checkout.environment / "stamp").unlink()  # it is written last
    shutil.rmtree(checkout.environment / "lib")
    status, out, err = checkout.run()
    assert (status, out) == (0, f"1.0 {checkout.environment}\n"), err


def test_two_first_runs_at_once_install_once(checkout: Checkout) -> None:
    runs = [checkout.start(), checkout.start()]
    answers = [run.communicate(timeout=60) for run in runs]
    assert [out for out, _ in answers] == [f"1.0 {checkout.environment}\n"] * 2, answers
    assert sum("Installing" in err for _, err in answers) == 1


def test_a_package_that_is_not_the_pinned_one_is_refused(checkout: Checkout) -> None:
    checkout.requirements.write_text(f"onething==1.0 --hash=sha256:{'0' * 64}\n")
    status, _, err = checkout.run()
    assert_one_sentence(status, err, "is not the one that was pinned")
    assert not (checkout.environment / "stamp").exists()


def test_no_network_is_said_in_one_sentence(checkout: Checkout) -> None:
    for wheel in checkout.wheels.iterdir():
        wheel.unlink()
    del checkout.env["PIP_NO_INDEX"]
    checkout.env |= {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": ""}
    status, _, err = checkout.run()
    assert_one_sentence(status, err, "check the network")


def test_a_python_without_pip_is_said_in_one_sentence(checkout: Checkout, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    checkout.env["PYTHON"] = str(tmp_path / "bare" / "bin" / "python")
    status, _, err = checkout.run()
    assert_one_sentence(status, err, "has no pip: run `")
    assert "/bin/python -m ensurepip`" in err, "a package of the system would not come into this environment"


@pytest.mark.parametrize(
    ("packages", "advice"),
    [
        ({"python3.11"}, "Run `sudo apt-get install python3.11 python3-pip`, then `PYTHON=python3.11 "),
        ({"python3.11", "python3.12"}, "Run `sudo apt-get install python3.12 python3-pip`, then `PYTHON=python3.12 "),
        (set(), "run `uv python install 3.12`, then `PYTHON=$(uv python find 3.12) "),
    ],
)
def test_an_unsupported_python_is_told_where_this_machine_gets_another(
    checkout: Checkout, tmp_path: Path, packages: set[str], advice: str
) -> None:
    """Debian 13, say, has Python 3.13 and no other."""
    commands = {
        "python3": '[ "$1" = --version ] && echo "Python 3.13.5" && exit\nexit 1',
        "python3.11": "exit 127",
        "python3.12": "exit 127",
        "apt-cache": f'[ "$1" = show ] || exit 1\ncase $2 in {"|".join(packages) or "none"}) exit 0 ;; esac\nexit 100',
    }
    for name, body in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    checkout.env |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": "python3"}
    status, _, err = checkout.run()
    assert_one_sentence(status, err, "Python 3.11 or 3.12 is needed, and python3 is Python 3.13.5. ")
    assert advice in err


@pytest.mark.parametrize(
    ("python", "trouble"),
    [("/usr/bin/false", "/usr/bin/false is none that runs"), ("python2.99", "python2.99 is not there")],
)
def test_a_python_that_is_here_and_would_do_is_pointed_out(
    checkout: Checkout, tmp_path: Path, python: str, trouble: str
) -> None:
    (tmp_path / "python3.12").symlink_to(BASE_PYTHON)
    checkout.env |= {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHON": python}
    status, _, err = checkout.run()
    assert_one_sentence(status, err, f"Python 3.11 or 3.12 is needed, and {trouble}. python3.12 is here and would do: ")


def test_another_python_is_told_when_it_makes_the_environment_anew(checkout: Checkout) -> None:
    checkout.run()
    stamp = checkout.environment / "stamp"
    digest = stamp.read_text().split()[0]
    stamp.write_text(f"{digest} 3.12.1 (main) [GCC] /opt/python3.12\n")
    status, out, err = checkout.run()
    assert (status, out) == (0, f"1.0 {checkout.environment}\n"), err
    now = f"now it is Python {platform.python_version()} ({Path(BASE_PYTHON).resolve()}): making it anew."
    assert err.startswith(f"The environment was made with Python 3.12.1 (/opt/python3.12), {now}\nInstalling ")


def test_an_interrupt_is_told_when_pip_has_gone(checkout: Checkout) -> None:
    """As a terminal does it: to the whole group of the script, which no longer has pip in it."""
    with socket.create_server(("127.0.0.1", 0)) as index:  # takes pip's request, and never answers
        del checkout.env["PIP_NO_INDEX"]
        checkout.env |= {"PIP_INDEX_URL": f"http://127.0.0.1:{index.getsockname()[1]}/simple", "PIP_FIND_LINKS": ""}
        checkout.env |= {"PIP_EXTRA_INDEX_URL": "", "NO_PROXY": "127.0.0.1"}
        process = checkout.start()
        index.settimeout(30)
        with index.accept()[0]:
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip().splitlines()[-1] == "Interrupted: run it again to go on."
    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert [line for line in lines if str(checkout.environment).encode() in line] == []


def test_help_installs_nothing_and_teaches(tmp_path: Path) -> None:
    """Every script, in a copy of the project that has no environments yet, and with a Python that has no packages."""
    for folder in ("scripts", "services", "tests", "loadtest"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts)
    scripts = sorted(path for path in (tmp_path / "scripts").iterdir() if path.is_file())
    assert len(scripts) >= 7
    for script in scripts:
        for option in ("--help", "-h"):
            answer = subprocess.run(
                [str(script), option],
                cwd=tmp_path.parent,
                env={**os.environ, "PYTHON": BASE_PYTHON},
                capture_output=True,
                text=True,
                timeout=30,
            )
            assert (answer.returncode, answer.stderr) == (0, ""), script
            assert answer.stdout.startswith(f"usage: scripts/{script.name}"), script
            assert (
                answer.stdout.count(f"  scripts/{script.name}") + answer.stdout.count(f"$(scripts/{script.name}") >= 2
            )
    assert sorted(path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts) == before
