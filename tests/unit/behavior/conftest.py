from __future__ import annotations

from collections.abc import Callable

import pytest

from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.program import Item, ProgramError, ProgramReader
from services.behavior.schema import Scene, SceneItem


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue("nao")


@pytest.fixture(scope="session")
def scene() -> Scene:
    return Scene(
        objects=[
            SceneItem(name="red ball", position=[0.6, 0.1, 0.0]),
            SceneItem(name="door", position=[2.0, -1.0, 0.0]),
        ],
        people=[SceneItem(name="Anna", position=[1.0, 0.5, 0.0])],
        posture="Stand",
        battery=80,
    )


@pytest.fixture
def read(catalogue: Catalogue, scene: Scene) -> Callable[[str], list[Item]]:
    """Reads a whole program; what it gives in order."""

    def whole(text: str) -> list[Item]:
        reader = ProgramReader(catalogue, scene)
        return reader.feed(text) + reader.close()

    return whole


@pytest.fixture
def fault(read: Callable[[str], list[Item]]) -> Callable[[str], ProgramError]:
    """The error of a program that must not pass."""

    def found(text: str) -> ProgramError:
        with pytest.raises(ProgramError) as caught:
            read(text)
        return caught.value

    return found
