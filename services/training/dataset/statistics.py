"""What is in a dataset, counted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Pair = Mapping[str, Any]
SPLITS = ("train", "validation", "test")
_CALLS = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 5), (6, 10), (11, None))


def statistics(path: Path, seed: int, lost: Mapping[str, int]) -> dict[str, Any]:
    """Figures of a dataset in JSON Lines, and of what was thrown away when it was made."""
    content = path.read_bytes()
    pairs = [json.loads(line) for line in content.splitlines()]
    by_split: dict[str, list[Pair]] = {split: [] for split in SPLITS}
    for pair in pairs:
        by_split[pair["split"]].append(pair)
    return {
        "seed": seed,
        "pairs": len(pairs),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "skills": len({skill for pair in pairs for skill in pair["skills"]}),
        "patterns": len({name for pair in pairs for name in pair["skeleton"]}),
        "splits": {split: _split(some) for split, some in by_split.items()},
        "held_out": _held_out(pairs),
        "skeletons_in_train": _in_train(by_split),
        "calls": {_range(*span): _within(pairs, *span) for span in _CALLS},
        "tasks": _sorted(Counter(len(pair["skills"]) for pair in pairs), by_key=True),
        "characters": {
            "instruction, English": _spread(len(p["instruction"]) for p in pairs if p["language"] == "en"),
            "instruction, Chinese": _spread(len(p["instruction"]) for p in pairs if p["language"] == "zh"),
            "program": _spread(len(pair["program"]) for pair in pairs),
        },
        "scenes": _scenes(pairs),
        "tags": _sorted(Counter(tag for pair in pairs for tag in pair["tags"])),
        "services": _services(pairs),
        "lost": _sorted(_reasons(lost)),
    }


def _split(pairs: Sequence[Pair]) -> dict[str, int]:
    counted = Counter([*(pair["language"] for pair in pairs), *(pair["outcome"] for pair in pairs)])
    return {"pairs": len(pairs), **{name: counted[name] for name in ("en", "zh", "acts", "words", "refuses")}}


def _held_out(pairs: Iterable[Pair]) -> dict[str, dict[str, int]]:
    counted = Counter((pair["split_reason"].split(" ")[0], pair["split"]) for pair in pairs if pair["split_reason"])
    kinds = ("phrasing", "composition")
    return {kind: {split: counted[kind, split] for split in SPLITS[1:]} for kind in kinds}


def _in_train(by_split: Mapping[str, Sequence[Pair]]) -> dict[str, int]:
    """Pairs outside the train split whose skeleton and skills are those of a pair within it."""
    trained = {(*pair["skeleton"], *pair["skills"]) for pair in by_split["train"]}
    return {split: sum((*p["skeleton"], *p["skills"]) in trained for p in by_split[split]) for split in SPLITS[1:]}


def _within(pairs: Iterable[Pair], least: int, most: int | None) -> int:
    return sum(least <= pair["calls"] and (most is None or pair["calls"] <= most) for pair in pairs)


def _range(least: int, most: int | None) -> str:
    if most is None:
        return f"{least} or more"
    return str(least) if least == most else f"{least} to {most}"


def _spread(lengths: Iterable[int]) -> dict[str, int]:
    ordered = sorted(lengths) or [0]
    last = len(ordered) - 1
    return {
        "least": ordered[0],
        "median": ordered[last // 2],
        "95 %": ordered[last * 95 // 100],
        "most": ordered[last],
    }


def _scenes(pairs: Iterable[Pair]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for pair in pairs:
        things = sum(len(pair["scene"].get(kind, ())) for kind in ("objects", "people"))
        counted["nothing around" if things == 0 else "one thing or person" if things == 1 else "several"] += 1
        counted["sits or crouches at first"] += "posture" in pair["scene"]
        counted["battery known"] += "battery" in pair["scene"]
    return dict(sorted(counted.items()))


def _services(pairs: Iterable[Pair]) -> dict[str, dict[str, int]]:
    used: dict[str, Counter[str]] = defaultdict(Counter)
    for pair in pairs:
        calls = Counter(call["service"] for call in pair["trace"])
        for service, count in calls.items():
            used[service].update(pairs=1, calls=count)
    return {service: dict(used[service]) for service in sorted(used, key=lambda name: (-used[name]["pairs"], name))}


def _reasons(lost: Mapping[str, int]) -> Counter[str]:
    """What was thrown away by kind: the stage, and for checks and judgements the code or the predicate."""
    kinds: Counter[str] = Counter()
    for reason, count in lost.items():
        _, *told = reason.split(": ")
        kinds[": ".join(told[: 2 if told[0] in ("check", "judged") else 1]) if told else reason] += count
    return kinds


def _sorted(counted: Mapping[Any, int], *, by_key: bool = False) -> dict[str, int]:
    ordered = sorted(counted, key=lambda key: key if by_key else (-counted[key], str(key)))
    return {str(key): counted[key] for key in ordered}
