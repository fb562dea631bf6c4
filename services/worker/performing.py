"""Has the program of one behaviour carried out: the robot is taken for it, and what that does is told."""

from __future__ import annotations

from collections.abc import Callable

from services.behavior.program import Statement
from services.behavior.schema import Action, Failure
from services.jobs.ledger import Lease
from services.worker.gateway import Execution, Listener
from services.worker.journal import Page
from services.worker.tools import Tools


class Performer:
    """Carries one program out, statement by statement. ``actions`` is what the robot has done of it."""

    def __init__(
        self,
        lease: Lease,
        tools: Tools,
        page: Page,
        elapsed_ms: Callable[[], float],
        broken_off: Callable[[BaseException], None],
    ) -> None:
        """Prepare to carry a program out; the robot is taken with the first statement.

        Args:
            lease: of the behaviour.
            tools: where the robot gateway is.
            page: where actions are told.
            elapsed_ms: milliseconds since the behaviour was accepted.
            broken_off: told when the gateway ends it before the program has ended.
        """
        self.actions: list[Action] = []
        self.acting = False
        """True once the robot may have moved."""
        self.ttfa_ms: float | None = None
        self._lease = lease
        self._request = lease.request
        self._tools = tools
        self._page = page
        self._elapsed_ms = elapsed_ms
        self._broken_off = broken_off
        self._execution: Execution | None = None

    @property
    def recording(self) -> str:
        """What a simulated robot did, as the gateway told it."""
        return self._execution.recording if self._execution is not None else ""

    async def perform(self, statement: Statement) -> None:
        """Have a statement carried out after those before it.

        Raises:
            ExecutionFailed, RobotStopped, RobotReplaced: what the gateway has reported.
            LeaseLost, EmergencyStopped: the robot must not begin.
        """
        if self._execution is None:
            self._execution = await Execution.begin(
                self._tools.http,
                self._tools.settings.gateway_url,
                self._lease.id,
                self._request,
                Listener(self._begins_to_act, self._acted, self._broken_off),
                attempt=self._lease.attempt,
                age_s=self._elapsed_ms() / 1000,
            )
            self.acting = True
            await self._page.declare_acting()
        await self._execution.send(statement.line, statement.source)

    async def end(self) -> None:
        """Return when all is carried out. Raises as ``perform`` does."""
        if self._execution is not None:
            await self._execution.end()

    async def cancel(self) -> Failure | None:
        """Stop the robot, if it acts, and hear what it did until then.

        Returns what is to be said when it did not confirm that.
        """
        return await self._execution.cancel() if self._execution is not None else None

    async def close(self) -> None:
        """Let go of the robot, which is stopped if it still acts."""
        if self._execution is not None:
            await self._execution.close()

    def _begins_to_act(self) -> None:
        self.ttfa_ms = self._elapsed_ms()

    def _acted(self, action: Action) -> None:
        self.actions.append(action)
        self._page.emit("action", action)
