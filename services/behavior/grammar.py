"""A grammar (GBNF) of the programs that a robot's catalogue allows, so that an engine cannot write anything else.

It is narrower than the checks: every program of it is in the subset, calls known methods with the right number and
types of arguments, keeps numbers in range and sets names before it uses them. It follows how the robot stands, so that
no walk comes while it sits and no motion while its motors are off, and it is bounded in every direction, so that greedy
decoding of a small model comes to an end.

There are two, of the same rules for names, plans and states. One is for a model that is shown the robot's API in its
prompt (``grammar_shown.py``): it has one way to do each thing, and only where a walk ends is left to the checks. The
other is for a model that is fine-tuned for the robot (``grammar_learnt.py``): it has all the forms of programs that
such a model has learnt, and so leaves more to the checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from services.behavior.catalogue import Catalogue
from services.behavior.gbnf import choice
from services.behavior.grammar_arguments import TARGET, WITH_FRONT, Setting
from services.behavior.grammar_calls import in_grammar
from services.behavior.grammar_learnt import LearntGrammar
from services.behavior.grammar_plan import NAME
from services.behavior.grammar_shown import ShownGrammar
from services.behavior.grammar_states import states
from services.behavior.schema import Scene

__all__ = ["build_gbnf", "in_grammar"]

_EMPTY = Scene()


def build_gbnf(catalogue: Catalogue, scene: Scene = _EMPTY, *, pictured: bool = False, learnt: bool = False) -> str:
    """The grammar, as GBNF text, of programs for one robot.

    Args:
        catalogue: the robot's.
        scene: what it perceives, whose things alone can be named, and how it stands.
        pictured: whether it perceives more than the scene names, in a picture.
        learnt: whether it is for a model that is fine-tuned for the robot.
    """
    items = [*scene.objects, *scene.people]
    fronts = [item for item in items if item.facing is not None]
    base = catalogue.base
    setting = Setting(
        located=bool(items),
        fronts=bool(fronts),
        walks=base is None or scene.battery is None or scene.battery >= base.least_battery,
        learnt=learnt,
    )
    text = _build(catalogue, setting, states(catalogue).start(scene.posture), pictured)
    if items:
        text += f"{TARGET} ::= {_quoted(item.name for item in items)}\n"
        text += f"{NAME} ::= {choice(item.name for item in items)}\n"
    if fronts:
        text += f"{WITH_FRONT} ::= {_quoted(item.name for item in fronts)}\n"
    return text


def _quoted(names: Iterable[str]) -> str:
    return choice(f'"{name}"' for name in names)


@lru_cache(maxsize=64)
def _build(catalogue: Catalogue, setting: Setting, start: str, pictured: bool) -> str:
    """All rules but those of the scene's names, which are the only ones that differ between requests of one setting."""
    grammar = LearntGrammar if setting.learnt else ShownGrammar
    return grammar(catalogue, setting, start, pictured=pictured).text()
