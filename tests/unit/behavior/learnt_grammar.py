"""The grammar for a fine-tuned model in a scene, read once for all scenes that differ in names alone."""

from __future__ import annotations

from gbnf_sampler import Grammar

from services.behavior.catalogue import load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.schema import Scene

_GRAMMARS: dict[str, Grammar] = {}
_OF_THE_SCENE = ("name", "target", "with-front")


def grammar(robot: str, scene: Scene) -> Grammar:
    """The grammar of a robot in a scene; what does not depend on the names in the scene is read once."""
    lines = build_gbnf(load_catalogue(robot), scene, learnt=True).splitlines()
    own = [line for line in lines if line.partition(" ::= ")[0] in _OF_THE_SCENE]
    shared = "\n".join(line for line in lines if line not in own)
    if shared not in _GRAMMARS:
        _GRAMMARS[shared] = Grammar(shared)
    _GRAMMARS[shared].rules |= Grammar("\n".join(own)).rules
    return _GRAMMARS[shared]
