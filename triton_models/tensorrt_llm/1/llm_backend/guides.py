"""Guides for llama.cpp: what a constrained answer may be, as a grammar that it understands."""

from __future__ import annotations

import json

from llguidance import LLMatcher

from llm_backend.request import Refused

#: llama.cpp hands a grammar with this beginning to the llguidance library, any other is GBNF of its own.
_LLGUIDANCE = "%llguidance {}\n"


def grammar_for(guide_type: str, guide: str) -> str:
    """Write the guide as a grammar for llama.cpp.

    llama.cpp only logs it when llguidance does not take a grammar, and generates without one; so llguidance is asked
    here first. GBNF it checks itself.

    Raises:
        Refused: the guide is not valid, or needs what llguidance cannot do.
    """
    if guide_type == "ebnf_grammar":
        grammar = guide
    elif guide_type == "regex":
        grammar = _LLGUIDANCE + json.loads(LLMatcher.grammar_from_regex(guide))["grammars"][0]["lark_grammar"]
    else:
        # Written anew, so that it is one line, as the grammar's language wants it.
        grammar = f"{_LLGUIDANCE}start: %json {json.dumps(json.loads(guide))}"
    if grammar.lstrip().startswith("%llguidance") and (problem := LLMatcher.validate_grammar(grammar)):
        raise Refused("INVALID_ARG", f"guided_decoding_guide: {' '.join(problem.split())}")
    return grammar
