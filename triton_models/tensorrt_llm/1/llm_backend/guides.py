"""Guides for llama.cpp: what a constrained answer may be, as a grammar that it understands.

Two things that llama.cpp does not do are done here. When the llguidance library refuses a grammar, or gives up on it in
the middle of an answer, llama.cpp only logs that and generates on without one: so llguidance is asked first, and every
answer is followed. And GBNF nested too deeply overflows llama.cpp's stack, which would end the whole process.
"""

from __future__ import annotations

import json

from llguidance import LLMatcher, LLTokenizer

from llm_backend.request import Refused

#: llama.cpp hands a grammar with this beginning to llguidance, any other is GBNF, which it reads and keeps to itself.
_LLGUIDANCE = "%llguidance {}\n"
_MAX_NESTING = 1000
# A token for each byte: answers can be followed without knowing the model's tokens.
_BYTES = LLTokenizer("byte")


class Guide:
    """One request's guide."""

    #: For llama.cpp.
    grammar: str

    def __init__(self, guide_type: str, guide: str) -> None:
        """Write the guide as a grammar.

        Raises:
            Refused: it is not valid, or needs what the libraries cannot do.
        """
        if guide_type == "ebnf_grammar":
            self.grammar = guide
        elif guide_type == "regex":
            lark = json.loads(LLMatcher.grammar_from_regex(guide))["grammars"][0]["lark_grammar"]
            self.grammar = _LLGUIDANCE + lark
        else:
            # Written anew, so that it is one line, as the grammar's language wants it.
            self.grammar = f"{_LLGUIDANCE}start: %json {json.dumps(json.loads(guide))}"
        self._matcher = None
        if self.grammar.lstrip().startswith("%llguidance"):
            self._matcher = LLMatcher(_BYTES, self.grammar)
            if problem := self._matcher.get_error():
                raise Refused("INVALID_ARG", f"guided_decoding_guide: {' '.join(problem.split())}")
        elif _nesting(guide) > _MAX_NESTING:
            raise Refused("INVALID_ARG", f"guided_decoding_guide: nested more than {_MAX_NESTING} deep")

    def follow(self, text: str) -> None:
        """Check the next part of the answer.

        Raises:
            Refused: the guide does not allow it, so llama.cpp had given up on the guide.
        """
        if self._matcher is None:
            return
        tokens = list(text.encode())
        if self._matcher.try_consume_tokens(tokens) < len(tokens):
            raise Refused("INVALID_ARG", "guided_decoding_guide: too complex, llama.cpp could not keep to it")


def _nesting(gbnf: str) -> int:
    """The deepest nesting of parentheses, those in literals included."""
    depth = deepest = 0
    for character in gbnf:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return deepest
