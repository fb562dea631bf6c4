"""What the checks raise."""

from __future__ import annotations


class CheckError(Exception):
    """A call that must not reach the robot.

    ``code`` is stable (``call.range``, ``call.type`` …); ``message`` says what is wrong and how to mend it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ProgramError(Exception):
    """A program that fails a static check.

    ``code`` is stable (``program.syntax``, ``program.range`` …), ``line`` counts from 1 in the whole program and
    ``statement`` is the source of the offending statement, where there is one.
    """

    def __init__(self, code: str, message: str, line: int | None = None, statement: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.line = line
        self.statement = statement
