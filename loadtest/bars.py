"""What the overhead benchmark must reach, and whether a run reached it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtest.client import Sample
from loadtest.overhead import CLIENTS, DURABLE, ENGINE, LITELLM, PACED_CLIENTS, PASS_THROUGH, Case, Measurements

#: A fixed piece of work that takes so many times its best: the machine is not at its own speed.
NOISY = 1.25


@dataclass(frozen=True)
class Bar:
    """Something that must be reached; ``figure`` and ``met`` are None where the run cannot tell, ``remark`` says why.

    Ratios are of all repeats. Times and rates too, where these reach the bar; where they do not, the repeats count in
    which the machine ran at its own speed, for a bar means a machine and not what its neighbours leave of it.
    """

    what: str
    bar: str
    figure: float | None
    unit: str
    met: bool | None
    remark: str = ""


def rate(sample: Sample) -> float:
    """Good answers a second."""
    return len(sample.latency_ms) / sample.seconds


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile of sorted values; NaN of none."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def overhead_ms(measured: Measurements, case: Case) -> float:
    """Median over the repeats of p50 less the engine's own p50 in the same repeat."""
    return statistics.median(_overheads_ms(measured, case))


def _overheads_ms(measured: Measurements, case: Case) -> list[float]:
    engine = measured.samples[_engine(case)]
    pairs = zip(measured.samples[case], engine, strict=True)
    return [percentile(sorted(ours.latency_ms), 50) - percentile(sorted(own.latency_ms), 50) for ours, own in pairs]


def _engine(case: Case) -> Case:
    return Case(ENGINE, case.clients, case.streaming)


def _ratio(measured: Measurements, case: Case, other: Case) -> float:
    """Median over the repeats of the rate in relation to another case's in the same repeat."""
    pairs = zip(measured.samples[case], measured.samples[other], strict=True)
    return statistics.median(rate(ours) / max(rate(theirs), 1e-9) for ours, theirs in pairs)


def bars(measured: Measurements, paced: Measurements) -> list[Bar]:
    """What must be reached, streaming and not: the worse of the two counts."""
    through = [Case(PASS_THROUGH, 1, streaming) for streaming in (False, True)]
    durable = [Case(DURABLE, clients, False) for clients in CLIENTS if clients > 1]
    bound = 100 * _ratio(paced, Case(PASS_THROUGH, PACED_CLIENTS, True), Case(ENGINE, PACED_CLIENTS, True))
    return [
        _at_most("pass-through overhead, p50, 1 client", 1.5, measured, through),
        _over_litellm(measured),
        _at_most("durable overhead, p50, 1 client", 8, measured, [Case(DURABLE, 1, False)]),
        *(_at_least(f"durable, sustained, {case.clients} clients", 300, measured, case) for case in durable),
        Bar(f"engine-bound throughput, {PACED_CLIENTS} clients", "≥ 97", bound, "% of the engine", bound >= 97),
    ]


def _over_litellm(measured: Measurements) -> Bar:
    what, bar = "pass-through req/s over LiteLLM's, 16 clients", "≥ 25"
    if Case(LITELLM, 16, False) not in measured.samples:
        return Bar(what, bar, None, "×", None, "not measured: --with-peers")
    figure = min(
        _ratio(measured, Case(PASS_THROUGH, 16, streaming), Case(LITELLM, 16, streaming)) for streaming in (False, True)
    )
    return Bar(what, bar, figure, "×", figure >= 25)


def _at_most(what: str, limit_ms: float, measured: Measurements, cases: Sequence[Case]) -> Bar:
    """The overhead of the worst of the cases."""
    quiet = [_quiet(measured, _overheads_ms(measured, case), case, _engine(case)) for case in cases]
    return _of_quiet(
        what, f"≤ {limit_ms:g}", "ms", quiet, max(overhead_ms(measured, case) for case in cases),
        worst=max, met=lambda figure: figure <= limit_ms,
    )  # fmt: skip


def _at_least(what: str, limit: float, measured: Measurements, case: Case) -> Bar:
    rates = [rate(sample) for sample in measured.samples[case]]
    return _of_quiet(
        what, f"≥ {limit:g}", "req/s", [_quiet(measured, rates, case)], statistics.median(rates),
        worst=min, met=lambda figure: figure >= limit,
    )  # fmt: skip


def _quiet(measured: Measurements, values: Sequence[float], *cases: Case) -> list[float]:
    """The values of the repeats in which the machine ran at its own speed before and after each of the cases."""
    limit_ms = NOISY * min(measured.yardsticks_ms)
    around = zip(*(measured.slowest_ms[case] for case in cases), strict=True)
    return [value for value, slowest in zip(values, around, strict=True) if max(slowest) <= limit_ms]


def _of_quiet(
    what: str,
    bar: str,
    unit: str,
    quiet: Sequence[Sequence[float]],
    of_all: float,
    *,
    worst: Callable[[list[float]], float],
    met: Callable[[float], bool],
) -> Bar:
    if met(of_all):
        return Bar(what, bar, of_all, unit, True)
    as_it_was = f"of all repeats, on a machine slowed by others: {of_all:.2f} {unit}"
    if not all(quiet):
        return Bar(what, bar, None, unit, None, as_it_was)
    figure = worst([statistics.median(values) for values in quiet])
    count = min(len(values) for values in quiet)
    return Bar(what, bar, figure, unit, met(figure), f"{count} repeats at the machine's own speed; {as_it_was}")
