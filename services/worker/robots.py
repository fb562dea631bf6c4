"""The robots as they are connected: their catalogues without what the gateway found that they lack, their posture."""

from __future__ import annotations

import aiohttp
import structlog
from pydantic import TypeAdapter, ValidationError

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.narrowing import narrow
from services.behavior.schema import Lacks, RobotReport

_TIMEOUT_S = 3.0
#: A behaviour waits for this; a robot that is slow to tell is taken to stand ready, and the gateway looks again.
_POSTURE_TIMEOUT_S = 0.5
_NARROWINGS: TypeAdapter[dict[str, dict[str, Lacks]]] = TypeAdapter(dict[str, dict[str, Lacks]])

log = structlog.get_logger("worker.robots")


class Robots:
    """What programs are written and checked for: the robot that will carry them out, as the gateway sees it.

    Catalogues are as of the last look at the gateway. That checks each call anew, so an old look costs no safety.
    """

    def __init__(self, http: aiohttp.ClientSession, gateway_url: str) -> None:
        self._http = http
        self._url = f"{gateway_url}/v1"
        self._lacks: dict[str, dict[str, Lacks]] = {}

    async def look(self) -> None:
        """Ask the gateway what the robots lack; what was known stays when it does not answer."""
        try:
            self._lacks = _NARROWINGS.validate_json(await self._ask("narrowings", _TIMEOUT_S))
        except (aiohttp.ClientError, OSError, ValidationError) as error:  # a TimeoutError is an OSError
            log.debug("robots not looked at", error=repr(error))

    async def posture(self, robot: str, execute: str) -> str | None:
        """The posture in which a robot is that does nothing, if it is one that has to be said.

        None where it stands ready to walk, as every robot is taken to of which nothing is said; where it is not known;
        and where other behaviours have the robot or wait for it, since they may change it.
        """
        try:
            report = RobotReport.model_validate_json(await self._ask(f"robots/{robot}", _POSTURE_TIMEOUT_S))
        except (aiohttp.ClientError, OSError, ValidationError) as error:  # a TimeoutError is an OSError
            log.debug("robot not looked at", robot=robot, error=repr(error))
            return None
        state = next((state for target, state in report.targets.items() if target == execute), None)
        if state is None or state.posture is None or state.behavior is not None or state.waiting:
            return None
        if execute == "simulate" and state.awake is False:
            return None  # it is stood up before a behaviour begins
        catalogue = load_catalogue(robot)
        return state.posture if catalogue.family(state.posture) not in (None, catalogue.ready) else None

    async def _ask(self, path: str, timeout_s: float) -> bytes:
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._http.get(f"{self._url}/{path}", timeout=timeout) as response:
            response.raise_for_status()
            return await response.read()

    def catalogue(self, robot: str, execute: str) -> Catalogue:
        """What a program for this robot may call, carried out as ``execute`` says; all of it if it never is.

        Raises:
            LookupError: there is no catalogue of that name.
        """
        lacks = self._lacks.get(robot, {}).get(execute)
        catalogue = load_catalogue(robot)
        return catalogue if lacks is None else narrow(catalogue, lacks)
