"""Makes the Python environment that a script of ours needs, once, and runs Python in it.

    python -m services.embedded.environment NAME ARGUMENT…        NAME: embedded | test

Installs requirements/NAME.txt, hash-checked, into .venvs/NAME and then becomes ``.venvs/NAME/bin/python ARGUMENT…``.
Needs only the standard library, since it runs before anything is installed. It makes the environment anew when the
requirements or the Python changed and when an earlier run was interrupted: the stamp is written last. Runs hold the
lock shared while they use the environment, and alone while they make it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, NoReturn

from services.embedded import openmp

ROOT = Path(__file__).resolve().parents[2]
NEEDED_MB = 1000
LOCK_WAIT_S = 900
_END_S = 10
_DISK_FULL = f"The disk is full: free {NEEDED_MB} MB (also where TMPDIR points, else in /tmp) and run again."
#: What pip says when it cannot reach its index, in the words of urllib3 and of the C library.
_NETWORK_TROUBLE = re.compile(
    r"connection broken|name resolution|Failed to establish|timed out|Max retries|Network is unreachable"
    r"|Cannot connect to proxy|CERTIFICATE_VERIFY_FAILED",
    re.IGNORECASE,
)


class EnvironmentProblem(Exception):
    """Why there is no environment, in one sentence that says what to do."""


def stamp_for(requirements: Path) -> str:
    """What the environment was made from: the pinned packages and the Python."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    return f"{digest} {sys.version} {os.path.realpath(sys.executable)}\n"


def check_machine(directory: Path) -> None:
    """Say early what would otherwise fail half-way through an installation.

    Raises:
        EnvironmentProblem: wrong machine, read-only folder, full disk, or no usable pip.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise EnvironmentProblem(
            f"This needs Linux on x86-64, because NAO's protocol library exists for nothing else; this is"
            f" {platform.system()} on {platform.machine()}."
        )
    free_mb = shutil.disk_usage(directory).free // 1_000_000
    if free_mb < NEEDED_MB:
        raise EnvironmentProblem(
            f"Only {free_mb} MB are free in {directory}: free {NEEDED_MB} MB, or move this folder to a larger disk."
        )
    if importlib.util.find_spec("pip") is None:
        of_system = sys.executable.startswith("/usr/bin/")
        how = "sudo apt-get install python3-pip" if of_system else f"{sys.executable} -m ensurepip"
        raise EnvironmentProblem(f"{sys.executable} has no pip: run `{how}`, or set PYTHON to a Python with pip.")
    from pip import __version__ as pip_version  # here, because importing pip is slow and seldom needed

    if tuple(int(part) for part in re.findall(r"\d+", pip_version)[:2]) < (22, 3):
        raise EnvironmentProblem(
            f"pip {pip_version} is too old, 22.3 is needed: run `{sys.executable} -m pip install --user --upgrade pip`."
        )


@contextlib.contextmanager
def _terminated_cleanly() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into exceptions, so that pip is stopped with us."""

    def stop(signum: int, frame: object) -> None:
        raise SystemExit(128 + signum)

    before = {signum: signal.signal(signum, stop) for signum in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _end(pip: subprocess.Popen[str]) -> None:
    """Interrupt pip, which runs another one in the environment, and wait until both have gone: their pipe tells."""
    for signum, patience in ((signal.SIGINT, _END_S), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pip.pid, signum)
        with contextlib.suppress(subprocess.TimeoutExpired):
            pip.communicate(timeout=patience)
            return


def _why_anew(environment: Path, stamp: str) -> str:
    """What has changed since an environment was made, in a sentence; nothing where there is none or not a whole one."""
    with contextlib.suppress(OSError, ValueError):
        requirements, *python = (environment / "stamp").read_text().split()
        wanted, *present = stamp.split()
        if python != present:
            was, now = (f"Python {words[0]} ({words[-1]})" for words in (python, present))
            return f"The environment was made with {was}, now it is {now}: making it anew."
        if requirements != wanted:
            return "The packages that are needed have changed: making the environment anew."
    return ""


def _show(line: str) -> None:
    """One line of progress: in place on a terminal."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{line[:width]}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)


def _follow(output: Iterable[str], log: IO[str], total: int) -> None:
    """Show pip's progress as a count of packages, and keep its whole output in ``log``."""
    done, name = 0, ""
    for line in output:
        log.write(line)
        if line.startswith("Ignoring "):  # a pin for other platforms
            total -= 1
        elif line.startswith(("Collecting ", "Processing ")):
            done += 1
            name = re.split(r"==|-\d", Path(line.split()[1]).name)[0]
            if sys.stderr.isatty() or done % 20 == 0:
                _show(f"  [{done}/{total}] {name}")
        elif size := re.search(r"Downloading .*\((\d+)(\.\d+)? MB\)", line):
            if int(size[1]) >= 10 or sys.stderr.isatty():
                _show(f"  [{done}/{total}] {name}, {size[1]} MB")
        elif line.startswith("Installing collected packages"):
            _show(f"  unpacking {total} packages")
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _why_pip_failed(log: str, log_path: Path) -> str:
    if "No space left on device" in log or "Disk quota exceeded" in log:
        return _DISK_FULL
    if "DO NOT MATCH THE HASHES" in log:
        return f"A downloaded package is not the one that was pinned; check the package index or proxy ({log_path})."
    if _NETWORK_TROUBLE.search(log):
        return (
            "The package index cannot be reached: check the network (and, behind a proxy, HTTPS_PROXY), then run again;"
            f" pip's words are in {log_path}."
        )
    errors = [line.removeprefix("ERROR: ") for line in log.splitlines() if line.startswith("ERROR: ")]
    return f"pip failed: {errors[-1] if errors else 'it said nothing'} (all it said: {log_path})."


def _why_not_written(error: OSError, environment: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _DISK_FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{error.filename} cannot be written: copy the project to a folder that you may write to."
    return f"{environment} cannot be made ({error}): mend that and run again."


def make(environment: Path, requirements: Path, lock: int) -> None:
    """Make ``environment`` from nothing. The lock goes to pip too, lest a killed run leave it writing unguarded.

    Raises:
        EnvironmentProblem: it cannot be made; what there is of it is left without a stamp.
    """
    check_machine(environment.parent)
    began = time.monotonic()
    total = sum(1 for line in requirements.read_text().splitlines() if re.match(r"\w[^ ]*==", line))
    if why := _why_anew(environment, stamp_for(requirements)):
        print(why, file=sys.stderr, flush=True)
    print(f"Installing the Python packages into {environment}, once …", file=sys.stderr, flush=True)
    if environment.exists():
        shutil.rmtree(environment)
    venv.create(environment, symlinks=True, with_pip=False)
    log_path = environment.with_suffix(".log")
    # Modules are compiled when first imported: most never are, and compiling all takes as long as installing.
    # fmt: off
    command = [
        sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"),
        "--disable-pip-version-check", "--no-input", "--retries", "3",
        "install", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile", "--progress-bar", "off",
        "--requirement", str(requirements),
    ]
    # fmt: on
    with log_path.open("w") as log, _terminated_cleanly():
        pip = subprocess.Popen(  # noqa: S603 - the command above
            command,
            cwd=environment,
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C comes to us alone, who pass it on and wait
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=[lock],
        )
        try:
            _follow(pip.stdout or (), log, total)
            status = pip.wait()
        except BaseException:
            _end(pip)
            raise
    if status != 0:
        raise EnvironmentProblem(_why_pip_failed(log_path.read_text(), log_path))
    openmp.link_copy(environment)
    (environment / "stamp").write_text(stamp_for(requirements))
    print(f"Installed in {time.monotonic() - began:.0f} s.", file=sys.stderr, flush=True)


def _lock(lock: int, operation: int, environment: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_S
    told = False
    while True:
        try:
            fcntl.flock(lock, operation | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise EnvironmentProblem(
                    f"Another run has used {environment} for {LOCK_WAIT_S // 60} minutes: end it, then run again."
                ) from None
            if not told:
                print("Waiting for another run that makes or uses this environment …", file=sys.stderr, flush=True)
                told = True
            time.sleep(0.2)


def ensure(root: Path, name: str) -> tuple[Path, int]:
    """The environment ``name``, made if need be, and the descriptor that holds its lock.

    Raises:
        EnvironmentProblem: it cannot be made or is in the way of another run.
    """
    requirements = root / "requirements" / f"{name}.txt"
    environment = root / ".venvs" / name
    stamp = environment / "stamp"

    def fresh() -> bool:
        return stamp.is_file() and stamp.read_text() == stamp_for(requirements)

    try:
        environment.parent.mkdir(exist_ok=True)
        # Read-only is enough for a lock, and lets others use an environment that its owner made.
        lock = os.open(environment.with_suffix(".lock"), os.O_RDONLY | os.O_CREAT, 0o644)
        _lock(lock, fcntl.LOCK_SH, environment)
        if not fresh():
            _lock(lock, fcntl.LOCK_EX, environment)
            if not fresh():  # another run may have made it while we waited
                make(environment, requirements, lock)
            _lock(lock, fcntl.LOCK_SH, environment)
    except OSError as error:
        raise EnvironmentProblem(_why_not_written(error, environment)) from error
    return environment, lock


def main(name: str, *arguments: str) -> NoReturn:
    """Make the environment and become Python in it, with the same PYTHONPATH: the scripts set it to our packages."""
    try:
        environment, lock = ensure(ROOT, name)
    except EnvironmentProblem as problem:
        raise SystemExit(str(problem)) from None
    except KeyboardInterrupt:
        print("\nInterrupted: run it again to go on.", file=sys.stderr)
        raise SystemExit(130) from None
    os.set_inheritable(lock, True)
    python = str(environment / "bin" / "python")
    os.execve(python, [python, *arguments], {**os.environ, **openmp.settings(environment, os.environ)})  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
