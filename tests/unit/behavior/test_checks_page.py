"""The page of findings names every code that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import services.behavior

PAGE = Path(__file__).parents[3] / "docs" / "checks.md"
#: Where codes are chosen by a table or handed on.
ELSEWHERE = {
    "degrees", "centimetres", "millimetres", "milliseconds", "percent", "limit",
    "calls", "seconds", "metres", "truncated",
}  # fmt: skip


def test_every_code_is_told_and_no_other() -> None:
    sources = [path.read_text("utf-8") for path in Path(services.behavior.__path__[0]).glob("*.py")]
    written = {code for text in sources for code in re.findall(r'CheckError\(\s*"(?:call\.)?([a-z.]+)"', text)}
    written |= {code for text in sources for code in re.findall(r'ProgramError\(\s*"program\.([a-z]+)"', text)}
    written |= {code for text in sources for code in re.findall(r'unit, "(coupling|limit)"', text)}
    rows = re.findall(r"^\| (`.*?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    told = {code for row in rows for code in re.findall(r"`([a-z.]+)`", row)}
    assert told == written | ELSEWHERE
