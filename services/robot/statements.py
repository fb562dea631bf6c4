"""The statements of one program, kept in order as its worker sends them, and handed out once they are checked."""

from __future__ import annotations

import asyncio

from services.robot.errors import BehaviorFailed
from services.robot.protocol import StatementMessage
from services.robot.settings import GatewaySettings
from services.robot.typecheck import Mistyped, TypeChecker


class Statements:
    """What has come of a program, and waiting for the rest."""

    def __init__(self, types: TypeChecker, settings: GatewaySettings) -> None:
        self._types = types
        self._settings = settings
        self._kept: list[StatementMessage] = []
        self._received = 0
        self._checked = 0
        self._fault: Mistyped | None = None
        self._complete = False
        self._news = asyncio.Event()

    def feed(self, statement: StatementMessage) -> None:
        """Take the next statement; those beyond the budget are not kept."""
        self._received += 1
        if self._received <= self._settings.gateway_max_statements:
            self._kept.append(statement)
        self._news.set()

    def complete(self) -> None:
        """No more statements will come."""
        self._complete = True
        self._news.set()

    def place(self, fault: Mistyped) -> tuple[int, str]:
        """Line and source of the statement in which a fault was found."""
        statement = self._kept[fault.statement]
        return statement.line + fault.line, statement.source

    async def whole(self) -> None:
        """Return once the whole program is there and checked. Raises BehaviorFailed."""
        while not self._complete:
            await self._more()
        self._check_length()
        await self._check_types()
        if self._fault is not None:
            raise self._fault

    async def get(self, number: int) -> StatementMessage | None:
        """The statement of this number, from 0, once it is there and checked; None when the program has ended.

        Raises:
            BehaviorFailed: it is mistyped, or one too many, or none came in time.
        """
        while number >= len(self._kept):
            self._check_length()
            if self._complete:
                return None
            await self._more()
        if number >= self._checked and self._fault is None:
            await self._check_types()
        if self._fault is not None and number == self._fault.statement:
            raise self._fault
        return self._kept[number]

    async def _more(self) -> None:
        """Wait for news from the worker."""
        try:
            async with asyncio.timeout(self._settings.gateway_statement_timeout_s):
                await self._news.wait()
        except TimeoutError:
            wait_s = self._settings.gateway_statement_timeout_s
            raise BehaviorFailed("budget.idle", f"no further statement came within {wait_s:g} s") from None
        self._news.clear()

    def _check_length(self) -> None:
        if self._received > self._settings.gateway_max_statements:
            limit = self._settings.gateway_max_statements
            raise BehaviorFailed("budget.statements", f"a behaviour may have {limit} statements; write a shorter one")

    async def _check_types(self) -> None:
        """Check the types of the program as far as it has come; a fault counts when its statement's turn comes."""
        sources = [statement.source for statement in self._kept]
        try:
            await self._types.check(sources)
        except Mistyped as fault:
            self._fault = fault
            self._checked = fault.statement
        else:
            self._checked = len(sources)
