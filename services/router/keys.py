"""API keys: read from a file, kept as digests, compared in constant time, read again when the file changes."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_LINE = re.compile(r"(?:(?P<name>[A-Za-z0-9_.-]{1,64}):)?(?P<key>[!-9;-~]{1,512})")
_CHECK_EVERY_S = 1.0


class KeyFileError(ValueError):
    """The key file cannot be used; the message says why and never holds a key."""


class KeyRing:
    """The keys of one file. Lines are ``key`` or ``name:key``; blank lines and lines that begin with # are left out."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises KeyFileError when it cannot be read, holds a bad line or holds no key."""
        self._path = path
        self._next_check = time.monotonic() + _CHECK_EVERY_S
        self._version = self._file_version()
        self._names = self._read()
        if not self._names:
            raise KeyFileError(f"API_KEYS_FILE={path} holds no key; write one on each line")

    def name_of(self, key: str) -> str | None:
        """Name of the client that this key belongs to, or None when it is not a valid key."""
        self._reload_if_changed()
        digest = _digest(key)
        found = None
        # Every key is compared whatever the outcome, so that the time taken tells nothing about any of them.
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found

    def _reload_if_changed(self) -> None:
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + _CHECK_EVERY_S
        try:
            version = self._file_version()
            if version == self._version:
                return
            self._names = self._read()
            self._version = version
        except KeyFileError as error:
            # A half-written file must not lock everybody out; a readable one counts, even when it holds no key.
            log.error("API keys not reloaded, the ones read before stay valid", reason=str(error))
        else:
            log.info("API keys reloaded", keys=len(self._names))

    def _file_version(self) -> tuple[int, int, int]:
        try:
            status = self._path.stat()
        except OSError as error:
            raise KeyFileError(f"API_KEYS_FILE={self._path} cannot be read: {error.strerror}") from None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> dict[bytes, str]:
        try:
            lines = self._path.read_text(encoding="utf-8-sig").splitlines()  # as Windows' editors write it
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise KeyFileError(f"API_KEYS_FILE={self._path} cannot be read: {reason}") from None
        names: dict[bytes, str] = {}
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            match = _LINE.fullmatch(text)
            if match is None:
                raise KeyFileError(
                    f"API_KEYS_FILE={self._path}, line {number}: write key or name:key, keys without spaces and colons"
                )
            digest = _digest(match["key"])
            # A client without a name is told from others by the first digits of its key's digest.
            names[digest] = match["name"] or f"key-{digest.hex()[:8]}"
        return names


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
