"""The key file: what its lines may look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.router.keys import KeyFileError, KeyRing


def ring(tmp_path: Path, text: str) -> KeyRing:
    path = tmp_path / "keys"
    path.write_text(text)
    return KeyRing(path)


def test_names_its_clients(tmp_path: Path) -> None:
    keys = ring(tmp_path, "# a comment\n\nalice:secret-a\n  bob:secret-b\t\nsecret-c\n")
    assert keys.name_of("secret-a") == "alice"
    assert keys.name_of("secret-b") == "bob"
    unnamed = keys.name_of("secret-c")
    assert unnamed is not None
    assert "secret" not in unnamed


@pytest.mark.parametrize("key", ["", "secret", "secret-A", "secret-a ", "alice:secret-a", "alice", "é"])
def test_knows_no_other_key(tmp_path: Path, key: str) -> None:
    assert ring(tmp_path, "alice:secret-a\n").name_of(key) is None


def test_a_file_may_begin_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    assert ring(tmp_path, "\ufeffalice:secret-a\n").name_of("secret-a") == "alice"


def test_keeps_no_key_in_memory(tmp_path: Path) -> None:
    assert "secret-a" not in repr(vars(ring(tmp_path, "alice:secret-a\n")))


@pytest.mark.parametrize("line", ["two words", "a:b:c", "alice: spaced", "schlüssel", "x" * 600, "al ice:key"])
def test_names_the_bad_line_but_not_its_text(tmp_path: Path, line: str) -> None:
    with pytest.raises(KeyFileError, match="line 2") as caught:
        ring(tmp_path, f"good-key\n{line}\n")
    assert line not in str(caught.value)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_wants_a_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(KeyFileError, match="no key"):
        ring(tmp_path, text)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(KeyFileError, match="not text"):
        KeyRing(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="cannot be read"):
        KeyRing(tmp_path / "keys")
