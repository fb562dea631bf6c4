"""Which backend a request goes to: weighted split, failover order, shadow traffic. Decides only, asks nobody.

A request that names a backend gets that one and no other. One that names none goes to the default backend or, with a
split, to one drawn by weight; where that one fails before the robot acts, the next in the failover order takes over.
A shadow backend gets copies of a share of the requests; what it answers is measured and thrown away.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from random import random

from services.backends.config import Backends
from services.backends.names import own_name
from services.settings import SettingError


@dataclass(frozen=True)
class Routing:
    """How requests are spread over the configured backends; names are those of ``Backends.configured``."""

    #: Share of the requests that name no backend, by backend, adding up to 1.
    split: Mapping[str, float]
    #: Who takes over, in this order.
    failover: tuple[str, ...] = ()
    #: Share of the requests that are copied, by backend that gets the copies.
    shadow: Mapping[str, float] = field(default_factory=dict)

    def choose(self, draw: Callable[[], float] = random) -> str:
        """The backend of a request that names none; ``draw`` gives numbers from 0 to below 1."""
        names = list(self.split)
        if len(names) == 1:
            return names[0]
        at = draw()
        return next(
            (name for name, end in zip(names, accumulate(self.split.values()), strict=True) if at < end), names[-1]
        )

    def candidates(self, first: str, *, named: bool) -> tuple[str, ...]:
        """``first``, and those that may take over from it; a backend that the client ``named`` stands alone."""
        return (first,) if named else (first, *(name for name in self.failover if name != first))

    def shadows(self, first: str, draw: Callable[[], float] = random) -> list[str]:
        """The backends that get a copy of this request."""
        return [name for name, share in self.shadow.items() if name != first and draw() < share]

    @property
    def serving(self) -> frozenset[str]:
        """Every backend that may answer a request which names none."""
        return frozenset(self.split).union(self.failover)


def load_routing(backends: Backends, environ: Mapping[str, str] = os.environ) -> Routing:
    """Read ``BACKEND_SPLIT=tgi=70,vllm=30``, ``BACKEND_FAILOVER=vllm,llamacpp`` and ``BACKEND_SHADOW=vllm=0.1``.

    With nothing set everything goes to the default backend and nowhere else. Raises ``SettingError``.
    """
    weights = _shares("BACKEND_SPLIT", environ, backends) or {backends.default: 1.0}
    total = sum(weights.values())
    shadow = _shares("BACKEND_SHADOW", environ, backends)
    if any(share > 1 for share in shadow.values()):
        raise SettingError("BACKEND_SHADOW takes shares from 0 to 1, such as vllm=0.1 for a tenth of the requests.")
    failover = tuple(map(own_name, _items("BACKEND_FAILOVER", environ)))
    for name in failover:
        _check_name("BACKEND_FAILOVER", name, backends)
        if failover.count(name) > 1:
            raise SettingError(f"BACKEND_FAILOVER names {name} more than once; each takes over once.")
    return Routing({name: weight / total for name, weight in weights.items()}, failover, shadow)


def _items(setting: str, environ: Mapping[str, str]) -> list[str]:
    return [item.strip().lower() for item in environ.get(setting, "").split(",") if item.strip()]


def _shares(setting: str, environ: Mapping[str, str], backends: Backends) -> dict[str, float]:
    shares: dict[str, float] = {}
    for item in _items(setting, environ):
        written, _, text = (part.strip() for part in item.partition("="))
        name = own_name(written)
        _check_name(setting, name, backends)
        try:
            share = float(text)
        except ValueError:
            share = 0.0
        if not 0.0 < share <= 1_000_000 or name in shares:
            raise SettingError(
                f"{setting}: {item!r} is not understood; write each backend once with a number above 0, as in {name}=1."
            )
        shares[name] = share
    return shares


def _check_name(setting: str, name: str, backends: Backends) -> None:
    if name not in backends.configured:
        raise SettingError(
            f"{setting} names {name or 'nothing'}, which is not configured; set {name.upper() or 'NAME'}_URL or choose "
            f"among: {', '.join(backends.configured)}."
        )
