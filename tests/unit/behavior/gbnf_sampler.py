"""Writes random texts of a GBNF grammar and recognises them: enough of the notation for the grammars that we build."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from itertools import product

_TOKEN = re.compile(
    r'\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<klass>\[(?:[^\]\\]|\\.)*\])|(?P<repeat>\?|\{\d+(?:,\d+)?\})'
    r"|(?P<name>[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[()|]))"
)
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\", "t": "\t", "r": "\r", "]": "]", "[": "["}
# What is tried for "anything but": letters, marks that programs give a meaning to, and other scripts.
_ALPHABET = [chr(code) for code in range(1, 0x180)] + list("日本語🙂\u202e\u2066")


class Class(list[str]):
    """A class of characters: as a list, those of it that are tried."""

    def __init__(self, members: set[str], *, negated: bool) -> None:
        super().__init__([c for c in _ALPHABET if c not in members] if negated else sorted(members))
        self._members, self._negated = members, negated

    def takes(self, character: str) -> bool:
        return (character in self._members) != self._negated


@dataclass
class Repeat:
    node: Node
    low: int
    high: int


@dataclass
class Choice:
    branches: list[list[Node]]


@dataclass
class Rule:
    name: str


Node = str | Class | Repeat | Choice | Rule


class Grammar:
    def __init__(self, text: str) -> None:
        self.rules: dict[str, Choice] = {}
        for line in text.splitlines():
            name, _, body = line.partition(" ::= ")
            assert re.fullmatch(r"[a-zA-Z0-9-]+", name), f"llama.cpp does not take {name!r} as a rule's name"
            assert name not in self.rules, f"{name} is defined twice"
            tokens = list(_TOKEN.finditer(body.strip()))
            assert "".join(match[0] for match in tokens) == body.strip(), body
            position, self.rules[name] = _choice(tokens, 0)
            assert position == len(tokens), body

    def sample(self, chance: random.Random, root: str = "root") -> str:
        return self._write(self.rules[root], chance)

    def texts(self, node: Node | None = None) -> set[str]:
        """Every text of a grammar that has few."""
        if node is None:
            return self.texts(self.rules["root"])
        if isinstance(node, str):
            return {node}
        if isinstance(node, Class):
            return set(node)
        if isinstance(node, Rule):
            return self.texts(self.rules[node.name])
        if isinstance(node, Repeat):
            assert (node.low, node.high) == (0, 1)
            return {"", *self.texts(node.node)}
        return {"".join(parts) for branch in node.branches for parts in product(*map(self.texts, branch))}

    def matches(self, text: str) -> bool:
        """Whether the grammar writes exactly this text."""
        return len(text) in self._ends(self.rules["root"], text, 0, {})

    def _ends(self, node: Node, text: str, at: int, known: dict[tuple[int, int], set[int]]) -> set[int]:
        """Every place at which a part of the text that begins at a place may end."""
        key = (id(node), at)
        if key not in known:
            known[key] = self._find_ends(node, text, at, known)
        return known[key]

    def _find_ends(self, node: Node, text: str, at: int, known: dict[tuple[int, int], set[int]]) -> set[int]:
        if isinstance(node, str):
            return {at + len(node)} if text.startswith(node, at) else set()
        if isinstance(node, Class):
            return {at + 1} if at < len(text) and node.takes(text[at]) else set()
        if isinstance(node, Rule):
            return self._ends(self.rules[node.name], text, at, known)
        if isinstance(node, Repeat):
            ends = reached = {at}
            found = {at} if node.low == 0 else set()
            for times in range(1, node.high + 1):
                reached = {end for start in reached for end in self._ends(node.node, text, start, known)}
                if not reached:
                    break
                found |= reached if times >= node.low else set()
            return found
        found = set()
        for branch in node.branches:
            ends = {at}
            for part in branch:
                ends = {end for start in ends for end in self._ends(part, text, start, known)}
            found |= ends
        return found

    def _write(self, node: Node, chance: random.Random) -> str:
        if isinstance(node, str):
            return node
        if isinstance(node, Class):
            return chance.choice(node)
        if isinstance(node, Rule):
            return self._write(self.rules[node.name], chance)
        if isinstance(node, Repeat):
            times = min(chance.randint(node.low, node.high), node.low + chance.randint(0, 12))
            return "".join(self._write(node.node, chance) for _ in range(times))
        return "".join(self._write(part, chance) for part in chance.choice(node.branches))


def _choice(tokens: list[re.Match[str]], at: int) -> tuple[int, Choice]:
    branches: list[list[Node]] = [[]]
    while at < len(tokens):
        token = tokens[at]
        if token["mark"] == ")":
            break
        if token["mark"] == "|":
            branches.append([])
        elif token["mark"] == "(":
            at, inner = _choice(tokens, at + 1)
            branches[-1].append(inner)
        elif token["literal"]:
            branches[-1].append(_unescape(token["literal"][1:-1]))
        elif token["klass"]:
            branches[-1].append(_members(token["klass"][1:-1]))
        elif token["name"]:
            branches[-1].append(Rule(token["name"]))
        else:
            low, high = (0, 1) if token["repeat"] == "?" else map(int, token["repeat"][1:-1].split(","))
            branches[-1].append(Repeat(branches[-1].pop(), low, high))
        at += 1
    return at, Choice(branches)


def _unescape(text: str) -> str:
    return "".join(_characters(text))


def _characters(text: str) -> list[str]:
    def one(match: re.Match[str]) -> str:
        if match["hex"]:
            return chr(int(match["hex"], 16))
        if match["wide"]:
            return chr(int(match["wide"], 16))
        return _ESCAPES[match["escape"]] if match["escape"] else match[0]

    pattern = r"\\x(?P<hex>[0-9A-F]{2})|\\u(?P<wide>[0-9A-F]{4})|\\(?P<escape>.)|."
    return [one(match) for match in re.finditer(pattern, text, re.DOTALL)]


def _members(text: str) -> Class:
    """The characters of a class."""
    negated = text.startswith("^")
    characters = _characters(text.removeprefix("^"))
    members: set[str] = set()
    at = 0
    while at < len(characters):
        if characters[at + 1 : at + 2] == ["-"] and at + 2 < len(characters):
            members.update(map(chr, range(ord(characters[at]), ord(characters[at + 2]) + 1)))
            at += 3
        else:
            members.add(characters[at])
            at += 1
    return Class(members, negated=negated)
