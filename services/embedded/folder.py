"""The folder of a running stack, for logs, data and temporary files, and the end of those that dead stacks left."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "behavior-engine-"
_LOCK = "owner"


class StackFolder:
    """A new folder among the temporary files.

    Its owner holds a lock on a file in it, which the kernel takes away when the owner dies, however it dies: so a
    later stack can tell a folder that is in use from one that was left.
    """

    def __init__(self) -> None:
        remove_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        # Under its name only once it is locked: without that file a folder is nobody's to remove.
        unnamed = self.path / f"{_LOCK}.new"
        self._lock = os.open(unnamed, os.O_RDONLY | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.path / _LOCK)

    def remove(self, keep_logs: Path | None) -> None:
        """Remove it; its logs take the place of the folder ``keep_logs``, where one is given and can be written."""
        if keep_logs is not None:
            with contextlib.suppress(OSError):
                shutil.rmtree(keep_logs, ignore_errors=True)
                keep_logs.mkdir(parents=True)
                for log in self.path.glob("*.log"):
                    shutil.copy(log, keep_logs)
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_abandoned() -> None:
    """Remove the folders of this user's stacks whose owner is gone, as after ``kill -9`` or a power cut."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # not locked by then, not ours to read, or gone meanwhile
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = os.open(folder / _LOCK, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
