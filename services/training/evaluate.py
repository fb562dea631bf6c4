"""Has the whole engine carry out a suite of instructions, and judges by simulation what came of each.

    python -m services.training.evaluate [--suite FILE] [--adapter FOLDER] [--no-grammar] [--limit N] [--out FILE.json]

The stack of the quick start is started for it: each instruction goes through the router, the queue, the worker and
llama.cpp, greedily, one after the other. A failure, a crash and a time-out all count as not passed.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from services.behavior.schema import BehaviorResult
from services.embedded.stack import Stack
from services.training.judging.expectation import Item, read_suite
from services.training.judging.judge import Verdict, judge

HANDWRITTEN = Path(__file__).parent / "data" / "handwritten.jsonl"
_SERVICES = ("store", "engine", "simulator", "gateway", "worker", "router")
#: The robot's time passes so much faster than real time.
_SPEED = 100.0
_WAIT_S = 120


@dataclass(frozen=True)
class Answer:
    """What came of one instruction."""

    item: Item
    result: BehaviorResult | None
    verdict: Verdict


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=HANDWRITTEN, help="items in JSON Lines (default: hand-written)")
    parser.add_argument("--adapter", type=Path, help="LoRA adapter as a GGUF file (default: the model as it is)")
    parser.add_argument("--no-grammar", action="store_true", help="let the engine write whatever it likes")
    parser.add_argument("--limit", type=int, help="only the first so many items of each language")
    parser.add_argument("--out", type=Path, help="write every answer and its verdict to this file, as JSON Lines")
    arguments = parser.parse_args(argv)
    items = read_suite(arguments.suite)
    if arguments.limit is not None:
        items = [one for language in ("en", "zh") for one in _of(items, language)[: arguments.limit]]
    settings = {"REPAIR": "false" if arguments.adapter else "true"}
    if arguments.adapter is not None:
        settings |= {"LLAMACPP_LORA_PATH": str(arguments.adapter.resolve()), "API_CARD": "none"}
    if arguments.no_grammar:
        settings["LLAMACPP_GRAMMAR"] = "none"
    with _router(settings) as http:
        answers = [_ask(http, item) for item in tqdm(items, unit="item")]
    if arguments.out is not None:
        arguments.out.write_text("".join(_line(answer) + "\n" for answer in answers), encoding="utf-8")
    print(table(answers))
    return 0


@contextmanager
def _router(settings: dict[str, str]) -> Iterator[httpx.Client]:
    with Stack(_SERVICES, env=settings, robot_speed=_SPEED) as stack:
        yield httpx.Client(base_url=stack.router_url, timeout=_WAIT_S + 10)


def _ask(http: httpx.Client, item: Item) -> Answer:
    body = {"instruction": item.instruction, "scene": item.scene.model_dump(exclude_defaults=True)}
    try:
        answer = http.post(f"/v1/behaviors?wait={_WAIT_S}", json=body)
        answer.raise_for_status()
        result = BehaviorResult.model_validate_json(answer.content)
    except (httpx.HTTPError, ValueError) as error:
        return Answer(item, None, Verdict(False, [f"no result: {error}"]))
    return Answer(item, result, judge(item, result))


def table(answers: Sequence[Answer]) -> str:
    """Passed of all, by language, outcome and tag, with 95 % intervals, and what it took."""
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        groups["all"].append(answer)
        groups[f"language {answer.item.language}"].append(answer)
        groups[f"outcome {answer.item.outcome}"].append(answer)
        for tag in answer.item.tags:
            groups[f"tag {tag}"].append(answer)
    lines = [f"{'':24} passed    of      %   95 % interval"]
    for name, group in groups.items():
        passed = sum(answer.verdict.passed for answer in group)
        low, high = _wilson(passed, len(group))
        share = 100 * passed / len(group)
        lines.append(f"{name:24} {passed:6d} {len(group):5d} {share:6.1f}   {100 * low:.0f} to {100 * high:.0f}")
    results = [answer.result for answer in answers if answer.result is not None]
    valid = sum(result.status in ("succeeded", "refused") for result in results)
    refused = [answer for answer in answers if answer.result is not None and answer.result.status == "refused"]
    right = sum(answer.item.outcome == "refuses" for answer in refused)
    wanted = sum(answer.item.outcome == "refuses" for answer in answers)
    lines += [
        f"valid: {valid} of {len(answers)}",
        f"refusals: {right} right of {len(refused)} made and {wanted} wanted",
    ]
    for name in ("ttft_ms", "ttfa_ms", "total_ms"):
        times = [value for result in results if (value := getattr(result.timings, name)) is not None]
        if times:
            lines.append(f"{name}: {statistics.median(times):.0f} in the middle")
    return "\n".join(lines)


def _wilson(passed: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, for 95 %."""
    z = 1.96
    share, spread = passed / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return middle - half, middle + half


def _of(items: Sequence[Item], language: str) -> list[Item]:
    return [item for item in items if item.language == language]


def _line(answer: Answer) -> str:
    document: dict[str, Any] = {
        "id": answer.item.id,
        "instruction": answer.item.instruction,
        "passed": answer.verdict.passed,
        "findings": answer.verdict.findings,
        "status": answer.result.status if answer.result else None,
        "error": answer.result.error.message if answer.result and answer.result.error else None,
        "code": answer.result.code if answer.result else None,
    }
    return json.dumps(document, ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main())
