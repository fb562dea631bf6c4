"""The catalogues of the robots as they are connected: without what the gateway found that they lack."""

from __future__ import annotations

import aiohttp
import structlog
from pydantic import TypeAdapter, ValidationError

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.narrowing import narrow
from services.behavior.schema import Lacks

_TIMEOUT_S = 3.0
_NARROWINGS: TypeAdapter[dict[str, dict[str, Lacks]]] = TypeAdapter(dict[str, dict[str, Lacks]])

log = structlog.get_logger("worker.robots")


class Robots:
    """Narrowed catalogues, so that a program is written and checked for the robot that will carry it out.

    They are as of the last look at the gateway. That checks each call anew, so an old look costs no safety.
    """

    def __init__(self, http: aiohttp.ClientSession, gateway_url: str) -> None:
        self._http = http
        self._url = f"{gateway_url}/v1/narrowings"
        self._lacks: dict[str, dict[str, Lacks]] = {}

    async def look(self) -> None:
        """Ask the gateway what the robots lack; what was known stays when it does not answer."""
        try:
            async with self._http.get(self._url, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as response:
                response.raise_for_status()
                self._lacks = _NARROWINGS.validate_json(await response.read())
        except (aiohttp.ClientError, OSError, ValidationError) as error:  # a TimeoutError is an OSError
            log.debug("robots not looked at", error=repr(error))

    def catalogue(self, robot: str, execute: str) -> Catalogue:
        """What a program for this robot may call, carried out as ``execute`` says; all of it if it never is.

        Raises:
            LookupError: there is no catalogue of that name.
        """
        lacks = self._lacks.get(robot, {}).get(execute)
        catalogue = load_catalogue(robot)
        return catalogue if lacks is None else narrow(catalogue, lacks)
