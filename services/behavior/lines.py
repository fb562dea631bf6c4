"""Looks at the characters of a program line before Python's parser does."""

from __future__ import annotations

import re

from services.behavior.errors import CheckError
from services.behavior.plan import read_refusal

_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


_FORMATTED = re.compile(r"[fF][rR]?\Z")


def check_characters(line: str) -> None:
    """Refuse characters that hide what a line says.

    Raises:
        CheckError: ``syntax``.
    """
    for character in line:
        if (ord(character) < 32 and character != "\t") or 0x7F <= ord(character) < 0xA0 or character in _BIDIRECTIONAL:
            raise CheckError("syntax", f"control character U+{ord(character):04X} is not allowed", "remove it")
        if 0xD800 <= ord(character) < 0xE000:
            raise CheckError("syntax", "half of a character (a lone surrogate) is not allowed", "remove it")


def scan(line: str, brackets: int) -> int:
    """How many brackets are open after a line that began with ``brackets`` open.

    Only what Python reads in one way everywhere is let through: no line continuation, no multi-line texts, no escapes
    but those of quotes and backslash, and nothing but ASCII outside texts and comments; what is in the braces of a text
    with f counts as outside.

    Raises:
        CheckError: ``syntax``, ``subset``, or ``refusal`` for one beside code: what is refused must not be acted on.
    """
    quote = ""
    formatted = inside = False  # a text with f, and between its braces
    position = 0
    while position < len(line):
        character = line[position]
        if quote:
            if character == "\\":
                if line[position + 1 : position + 2] not in ('"', "'", "\\"):
                    raise CheckError("syntax", "a text may escape quotes only", "remove the backslash")
                position += 1
            elif character == quote:
                quote = ""
            elif formatted and character == "{":
                inside = line[position + 1 : position + 2] != "{"
                position += not inside
            elif character == "}":
                inside = False
            elif inside and not character.isascii():
                raise CheckError("syntax", f"{character!r} stands between the braces of a text", "use a plain name")
        elif character in "\"'":
            if line.startswith(character * 3, position):
                raise CheckError("subset", "texts in triple quotes are not allowed", 'write "text"')
            quote = character
            formatted, inside = _FORMATTED.search(line, 0, position) is not None, False
        elif character == "#":
            if read_refusal(line[position:]) is not None:
                raise CheckError("refusal", "a refusal stands beside a statement", "write the refusal alone, or none")
            return brackets
        elif character in "([{":
            brackets += 1
        elif character in ")]}":
            brackets = max(0, brackets - 1)
        elif character == "\\":
            raise CheckError("syntax", "a backslash outside a text is not allowed", "write the statement on one line")
        elif not character.isascii():
            raise CheckError("syntax", f"{character!r} is not allowed outside texts and comments", "remove it")
        position += 1
    if quote:
        raise CheckError("syntax", "the text is not closed", f"end it with {quote} on the same line")
    return brackets
