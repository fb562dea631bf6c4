"""The figures of a variant: what passed, by what it is about, refusals, calls, times and tokens."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.training.evaluation.answers import Answer
from services.training.evaluation.figures import Share, percentile, share
from services.training.evaluation.suite import Case

TIMES = ("ttft_ms", "ttfs_ms", "ttfa_ms", "total_ms")
GROUPS = ("language", "outcome", "length", "tag")


@dataclass(frozen=True)
class Span:
    """Milliseconds from the request, of the items that came so far; None if none did."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Metrics:
    """What a variant is worth. ``docs/evaluation.md`` tells what each figure means."""

    passed: Share
    valid: Share
    refusal_precision: Share
    refusal_recall: Share
    call_precision: Share | None
    """None for a suite without the calls of right programs; likewise the recall."""
    call_recall: Share | None
    groups: dict[str, dict[str, Share]]
    """What passed, by kind of group (``GROUPS``) and group."""
    times: dict[str, Span]
    prompt_tokens: float | None
    """Of an item, in the mean, of those that the engine counted; likewise the others."""
    completion_tokens: float | None
    failures: dict[str, int]
    """How many ended as failed by the engine's own account, by its code, or as time-out or crash; commonest first."""


def measure(cases: Sequence[Case], answers: Sequence[Answer]) -> Metrics:
    """The figures of a variant from its answers, which are in the order of the cases."""
    pairs = list(zip(cases, answers, strict=True))
    refused = [case.item.outcome for case, answer in pairs if _status(answer) == "refused"]
    results = [answer.result for answer in answers if answer.result is not None and answer.ended == "answered"]
    times = {
        name: [time for result in results if (time := getattr(result.timings, name)) is not None] for name in TIMES
    }
    used = [result.usage for result in results if result.usage.completion_tokens]
    precision, recall = _calls(pairs)
    return Metrics(
        passed=share(answer.passed for answer in answers),
        valid=share(_status(answer) in ("succeeded", "refused") for answer in answers),
        # Where words are wanted, a refusal is as good: it counts neither for nor against.
        refusal_precision=share(outcome == "refuses" for outcome in refused if outcome != "words"),
        refusal_recall=share(_status(answer) == "refused" for case, answer in pairs if case.item.outcome == "refuses"),
        call_precision=precision,
        call_recall=recall,
        groups=_groups(pairs),
        times={name: Span(percentile(values, 50), percentile(values, 95)) for name, values in times.items()},
        prompt_tokens=statistics.fmean(one.prompt_tokens for one in used) if used else None,
        completion_tokens=statistics.fmean(one.completion_tokens for one in used) if used else None,
        failures=dict(Counter(code for answer in answers if (code := _failure(answer))).most_common()),
    )


def _status(answer: Answer) -> str | None:
    return answer.result.status if answer.result is not None and answer.ended == "answered" else None


def _failure(answer: Answer) -> str | None:
    if answer.ended != "answered":
        return answer.ended
    return answer.result.error.code if answer.result is not None and answer.result.error is not None else None


def _groups(pairs: Sequence[tuple[Case, Answer]]) -> dict[str, dict[str, Share]]:
    """What passed by group, the largest groups of a kind first."""
    found: dict[str, dict[str, list[bool]]] = {kind: defaultdict(list) for kind in GROUPS}
    for case, answer in pairs:
        for kind, name in _groups_of(case):
            found[kind][name].append(answer.passed)
    return {
        kind: {name: share(flags) for name, flags in sorted(groups.items(), key=lambda group: -len(group[1]))}
        for kind, groups in found.items()
    }


def _groups_of(case: Case) -> Iterator[tuple[str, str]]:
    yield "language", case.item.language
    yield "outcome", case.item.outcome
    if case.length is not None:
        yield "length", case.length
    for tag in dict.fromkeys(case.item.tags):
        if tag != case.length:
            yield "tag", tag


def _calls(pairs: Sequence[tuple[Case, Answer]]) -> tuple[Share | None, Share | None]:
    """Precision and recall of the calls, by service and method and however often, of all items together."""
    right = made = wanted = 0
    for case, answer in pairs:
        if case.calls is None:
            return None, None
        actions = answer.result.actions if answer.result is not None else []
        done, reference = Counter(f"{action.service}.{action.method}" for action in actions), Counter(case.calls)
        right += (done & reference).total()
        made += done.total()
        wanted += reference.total()
    return Share(right, made), Share(right, wanted)
