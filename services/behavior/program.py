"""Reads a behaviour program while it is being generated: text in, checked plan steps and statements out.

A statement comes out as soon as it is complete: a simple one at its line end, an ``if`` or ``for`` when the text goes
back to the margin, whatever is left at ``close()``. What comes out does not depend on how the text was cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.behavior.catalogue import Catalogue
from services.behavior.errors import CheckError, ProgramError, program_error
from services.behavior.lines import check_characters, scan
from services.behavior.plan import read_refusal, read_step
from services.behavior.scene import SceneView
from services.behavior.schema import PlanStep, Scene
from services.behavior.subset import StatementChecker
from services.behavior.targets import Targets

__all__ = ["PlanStep", "ProgramError", "ProgramReader", "Refusal", "Statement"]

MAX_CHARACTERS = 10_000
MAX_LINES = 200
MAX_LINE_CHARACTERS = 600

_BLOCK = re.compile(r"(if|for)\b")
_FORBIDDEN_BLOCK = re.compile(r"(while|def|class|with|try|async)\b")
_CONTINUED_BLOCK = re.compile(r"(elif|else)\b")


@dataclass(frozen=True)
class Statement:
    """One complete statement that passed the static checks.

    ``source`` is its text, of one or more lines; ``line`` counts from 1 in the whole program; ``step`` is the number of
    the plan step that it belongs to.
    """

    source: str
    line: int
    step: int | None


@dataclass(frozen=True)
class Refusal:
    """The program declines the instruction; at most speech follows."""

    reason: str


Item = PlanStep | Statement | Refusal


class ProgramReader:
    """Reads one program. After an error every further call raises that error."""

    def __init__(self, catalogue: Catalogue, scene: Scene, *, pictured: bool = False) -> None:
        """Read a program for one robot.

        Args:
            catalogue: the robot's.
            scene: what it perceives.
            pictured: whether there is a picture too, so that it perceives more than the scene names.
        """
        view = SceneView(scene)
        self._checker = StatementChecker(catalogue, view, None if pictured else Targets(catalogue, view))
        self._partial = ""
        self._lines: list[str] = []
        self._accepted = 0
        self._open: list[str] = []  # lines of the statement that is not complete yet
        self._brackets = 0
        self._step: int | None = None
        self._statements = 0
        self._refused = False
        self._characters = 0
        self._ended = False
        self._closed = False
        self._items: list[Item] = []
        self._error: ProgramError | None = None

    @property
    def fault(self) -> ProgramError | None:
        """The error that the next call would raise."""
        return self._error

    @property
    def text(self) -> str:
        """All lines that were read, up to and with the one at which an error was found."""
        return "".join(f"{line}\n" for line in self._lines)

    @property
    def code(self) -> str:
        """The program so far: every line up to the last plan step or statement that was given out."""
        return "".join(f"{line}\n" for line in self._lines[: self._accepted])

    def feed(self, text: str) -> list[Item]:
        """Take the next piece of text; give what is complete.

        Raises:
            ProgramError: the program fails a check. What was complete before the fault is given out first, and the
                error raised by the next call, so that the outcome does not depend on how the text was cut.
            ValueError: the reader is closed.
        """
        if self._closed:
            raise ValueError("the reader is closed")
        if self._error is not None:
            raise self._error
        self._items = []
        try:
            self._take(text)
        except ProgramError as error:
            self._error = error
            if not self._items:
                raise
        return self._items

    def close(self) -> list[Item]:
        """The program has ended: give what is left.

        Raises:
            ProgramError: the program fails a check, at its end or before. No call follows that could raise it later, so
                nothing of what is left is given out.
        """
        if self._error is not None:
            raise self._error
        self._items = []
        if not self._closed:
            self._closed = True
            try:
                self._finish()
            except ProgramError as error:
                self._error = error
                raise
        return self._items

    def _take(self, text: str) -> None:
        at = 0
        while not self._ended:
            end = text.find("\n", at)
            self._partial += text[at:] if end < 0 else text[at:end]
            if len(self._partial) > MAX_LINE_CHARACTERS:
                message = f"the line has more than {MAX_LINE_CHARACTERS} characters"
                raise ProgramError("program.length", message, len(self._lines) + 1, suggestion="write shorter lines")
            if end < 0:
                return
            at = end + 1
            line, self._partial = self._partial, ""
            self._line(line.removesuffix("\r"))

    def _finish(self) -> None:
        if not self._ended:
            if self._partial.strip():
                self._line(self._partial.removesuffix("\r"))
            self._complete()
        if not self._statements and not self._refused:
            raise ProgramError(
                "program.empty", "the program does nothing", suggestion="call a method or refuse the instruction"
            )

    def _line(self, line: str) -> None:
        """Take one line of the program."""
        self._characters += len(line) + 1
        if line.startswith("```"):
            # The fence around the program is no part of it; what follows the closing one is chatter.
            if self._lines:
                self._complete()
                self._ended = True
            return
        if not self._lines and not line.strip() and self._characters <= MAX_CHARACTERS:
            return
        self._lines.append(line)
        try:
            if len(self._lines) > MAX_LINES or self._characters > MAX_CHARACTERS:
                raise CheckError(
                    "length",
                    f"the program has more than {MAX_LINES} lines or {MAX_CHARACTERS} characters",
                    "make it shorter",
                )
            check_characters(line)
            self._sort(line)
        except CheckError as error:
            raise program_error(error, len(self._lines), line) from None

    def _sort(self, line: str) -> None:
        """Tell statements, parts of statements and comments apart."""
        # A refusal ends what is open, wherever it stands: what is refused must not be acted on.
        if self._open and read_refusal(line) is None and (self._brackets or _continues_block(line)):
            self._brackets = scan(line, self._brackets)
            self._open.append(line)
            if not self._brackets and not _BLOCK.match(self._open[0]):
                self._complete()
            return
        self._complete(before=1)
        if not line.strip():
            return
        if line.lstrip().startswith("#"):
            self._comment(line)
            return
        if forbidden := _FORBIDDEN_BLOCK.match(line):
            raise CheckError(
                "subset", f"{forbidden[0]} is not allowed", "use if, and for over a range such as range(3)"
            )
        self._brackets = scan(line, 0)
        self._open = [line]
        if not self._brackets and not _BLOCK.match(line):
            self._complete()

    def _complete(self, before: int = 0) -> None:
        """The open statement, if any, is complete, ``before`` lines ago: check it and give it out."""
        if not self._open:
            return
        last = len(self._lines) - before
        first = last - len(self._open) + 1
        lines, self._open, self._brackets = self._open, [], 0
        while not lines[-1].strip() or lines[-1].lstrip().startswith("#"):
            lines.pop()
        source = "\n".join(lines)
        self._checker.check(source, first)
        self._items.append(Statement(source, first, self._step))
        self._statements += 1
        self._accepted = last

    def _comment(self, line: str) -> None:
        if (reason := read_refusal(line)) is not None:
            if self._statements:
                raise CheckError("refusal", "a refusal follows a statement", "write the refusal alone, or none")
            if not self._refused:
                self._refused = True
                self._checker.refuse()
                self._items.append(Refusal(reason))
                self._accepted = len(self._lines)
        elif (step := read_step(line)) is not None:
            self._step = step.step
            self._checker.begin(step)
            self._items.append(step)
            self._accepted = len(self._lines)


def _continues_block(line: str) -> bool:
    """Whether a line after the first of a block belongs to it: indented, blank, a remark, or elif and else."""
    if line.startswith("#"):
        return read_step(line) is None
    return not line.strip() or line[0] in " \t" or _CONTINUED_BLOCK.match(line) is not None
