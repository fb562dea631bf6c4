"""What the checks raise."""

from __future__ import annotations

from services.behavior.schema import Failure


class CheckError(Exception):
    """A call that must not reach the robot.

    ``code`` is stable (``call.range``, ``call.type`` …), ``message`` says what is wrong and ``suggestion``, where there
    is one, how to mend it.
    """

    def __init__(self, code: str, message: str, suggestion: str | None = None) -> None:
        super().__init__(message if suggestion is None else f"{message}; {suggestion}")
        self.code = code
        self.message = message
        self.suggestion = suggestion


class ProgramError(Exception):
    """A program that fails a static check.

    ``code`` is stable (``program.syntax``, ``program.range``, ``plan.target`` …), ``line`` counts from 1 in the whole
    program, ``statement`` is the source of the offending statement and ``suggestion`` says how to mend it, where there
    is one.
    """

    def __init__(
        self,
        code: str,
        message: str,
        line: int | None = None,
        statement: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message if suggestion is None else f"{message}; {suggestion}")
        self.code = code
        self.message = message
        self.line = line
        self.statement = statement
        self.suggestion = suggestion

    def failure(self) -> Failure:
        """The finding as results and events tell it."""
        return Failure(
            code=self.code,
            message=self.message,
            line=self.line,
            statement=self.statement,
            suggestion=self.suggestion,
        )


def program_error(error: CheckError, line: int, statement: str) -> ProgramError:
    """A finding about one call or one line as a finding about the program that it stands in.

    Args:
        error: its code gets the prefix ``program.``, unless it has one.
        line: the line of the program, from 1.
        statement: the source at fault.
    """
    code = error.code if "." in error.code else f"program.{error.code}"
    return ProgramError(code, error.message, line, statement, error.suggestion)
