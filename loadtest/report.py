"""From samples to figures: the table, the bars and what there is to say about the run."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass

from loadtest.bars import NOISY, bars, overhead_ms, percentile, rate
from loadtest.overhead import DURABLE, ENGINE, LITELLM, PASS_THROUGH, VLLM_ROUTER, Case, Measurements

# Above this share of a core the load generator may have been the bottleneck.
GENERATOR_LIMIT = 0.85


@dataclass(frozen=True)
class Row:
    """One case over all its repeats. Percentiles are of all answers together, rates the median of the repeats."""

    target: str
    clients: int
    streaming: bool
    answers: int
    errors: int
    requests_per_s: float
    spread: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    ttft_p50_ms: float
    overhead_p50_ms: float
    generator_busy: float


def rows(measured: Measurements) -> list[Row]:
    """One row for each case, in the table's order."""
    order = [ENGINE, PASS_THROUGH, DURABLE, VLLM_ROUTER, LITELLM]
    cases = sorted(measured.samples, key=lambda case: (case.streaming, case.clients, order.index(case.target)))
    return [_row(case, measured) for case in cases]


def _row(case: Case, measured: Measurements) -> Row:
    samples = measured.samples[case]
    latencies = sorted(latency for sample in samples for latency in sample.latency_ms)
    ttfts = sorted(ttft for sample in samples for ttft in sample.ttft_ms)
    rates = [rate(sample) for sample in samples]
    return Row(
        target=case.target,
        clients=case.clients,
        streaming=case.streaming,
        answers=len(latencies),
        errors=sum(sample.errors for sample in samples),
        requests_per_s=statistics.median(rates),
        spread=(max(rates) - min(rates)) / statistics.median(rates) if any(rates) else 0.0,
        p50_ms=percentile(latencies, 50),
        p95_ms=percentile(latencies, 95),
        p99_ms=percentile(latencies, 99),
        ttft_p50_ms=percentile(ttfts, 50),
        overhead_p50_ms=overhead_ms(measured, case),
        generator_busy=max(sample.busy for sample in samples),
    )


def notes(measured: Measurements, table: list[Row]) -> list[str]:
    """What a reader must know before believing the figures."""
    lines = []
    quickest, slowest = min(measured.yardsticks_ms), max(measured.yardsticks_ms)
    middle = statistics.median(measured.yardsticks_ms)
    noise = "noisy" if middle > NOISY * quickest else "quiet"
    lines.append(
        f"Yardstick {noise}: a fixed piece of work took {quickest:.0f} ms at best, {middle:.0f} in the middle, "
        f"{slowest:.0f} at worst. Rows are of all repeats; ± is how far these lie apart."
    )
    busy = [row for row in table if row.generator_busy > GENERATOR_LIMIT]
    if busy:
        where = ", ".join(f"{row.target} at {row.clients}" for row in busy)
        lines.append(f"The load generator was busy with a core of its own (*), and may have been the limit: {where}.")
    else:
        most = max(row.generator_busy for row in table)
        lines.append(f"The load generator was never the bottleneck: at most {most:.0%} of a core.")
    for case, samples in sorted(measured.samples.items()):
        if failed := next((sample for sample in samples if sample.errors), None):
            lines.append(f"Errors from {case.target} at {case.clients} clients, the first: {failed.first_error!r}")
    return lines


def text(specification: dict[str, str], measured: Measurements, paced: Measurements) -> str:
    """The whole report for people."""
    table = rows(measured)
    lines = [" · ".join(f"{name} {value}" for name, value in specification.items()), ""]
    for streaming in (False, True):
        head = f"{'clients':>8}{'req/s':>9}{'±':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'TTFT p50' if streaming else '':>10}"
        title = "streaming, ms" if streaming else "not streaming, ms"
        lines.append(f"{title:18}{head}{'overhead':>10}{'errors':>8}")
        previous = 0
        for row in table:
            if row.streaming != streaming:
                continue
            if previous not in (0, row.clients):
                lines.append("")
            previous = row.clients
            mark = "*" if row.generator_busy > GENERATOR_LIMIT else " "
            overhead = "" if row.target == ENGINE else f"{row.overhead_p50_ms:.2f}"
            ttft = f"{row.ttft_p50_ms:.2f}" if streaming else ""
            lines.append(
                f"{row.target:18}{row.clients:>8}{row.requests_per_s:>8.0f}{mark}{row.spread / 2:>6.0%}"
                f"{row.p50_ms:>9.2f}{row.p95_ms:>9.2f}{row.p99_ms:>9.2f}{ttft:>10}{overhead:>10}{row.errors:>8}"
            )
        lines.append("")
    for bar in bars(measured, paced):
        verdict = {True: "met", False: "MISSED", None: "not judged"}[bar.met]
        figure = "" if bar.figure is None else f"{bar.figure:.2f} {bar.unit}"
        lines.append(f"{bar.what:48}{bar.bar:>8}  {figure:26}{verdict:11}{bar.remark}".rstrip())
    return "\n".join([*lines, "", *notes(measured, table)])


def document(specification: dict[str, str], measured: Measurements, paced: Measurements) -> dict[str, object]:
    """The whole report for programs."""
    table = rows(measured)
    return {
        "machine": specification,
        "rows": [asdict(row) for row in table],
        "engine_bound": [asdict(row) for row in rows(paced)],
        "bars": [asdict(bar) for bar in bars(measured, paced)],
        "yardsticks_ms": measured.yardsticks_ms,
        "notes": notes(measured, table),
    }
