"""The file of records: written as requests end, by the one process that shows the results.

Workers of a distributed run send their lines to the master with their statistics, every three seconds and at the end;
so there is one file, and it lies where the run was started.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO


class CannotRecord(Exception):
    """The file of records cannot be written; the message is one sentence that says how to mend it."""


class Recorder:
    """Lines of records on their way: into the file, or to the master."""

    def __init__(self, path: str, failed: Callable[[str], None]) -> None:
        """``failed`` is called once, with a sentence, when the file can no longer be written; empty: no file."""
        self._path = path
        self._failed = failed
        self._file: IO[str] | None = None
        self._broken = False

    def check(self) -> None:
        """Raises CannotRecord if the file cannot be written; one that is there stays as it is."""
        if self._path:
            self._open("a").close()

    def begin(self) -> None:
        """Begin the file of a run, over that of the run before. Raises CannotRecord."""
        self.close()
        if self._path:
            self._file = self._open("w")
        self._broken = False

    def _open(self, mode: str) -> IO[str]:
        try:
            return Path(self._path).open(mode, encoding="utf-8")
        except OSError as error:
            raise CannotRecord(
                f"Records cannot be written to {self._path}: {error.strerror}; name another file with --records."
            ) from None

    def write(self, lines: Iterable[str]) -> None:
        """Write lines through to the disk's cache, so that a kill takes none of them."""
        if self._file is None:
            return
        try:
            self._file.writelines(lines)
            self._file.flush()
        except OSError as error:
            self.close()
            if not self._broken:
                self._broken = True
                self._failed(f"Records can no longer be written to {self._path}: {error.strerror}. The run ends here.")

    def close(self) -> None:
        """Close the file. A full disk is told by ``write``; here there is nothing left to lose."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
