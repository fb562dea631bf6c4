"""All that a report says, computed once for its three forms."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loadtest.bars import NOISY
from loadtest.comparison.figures import Cell, Figure, cell
from loadtest.comparison.measured import Measured
from loadtest.comparison.plan import Plan
from loadtest.comparison.resources import GENERATOR_LIMIT, Gpu, Part
from loadtest.comparison.run import Run
from loadtest.comparison.verdicts import Ratio, Saturation, cautions, ratios, saturation, verdicts


@dataclass(frozen=True)
class Row:
    """A cell with what it cost the machine, over all repeats: averages, and the most memory."""

    cell: Cell
    parts: Mapping[str, Part]
    others_cores: float | None
    gpus: tuple[Gpu, ...]
    #: Cores that the load generator used, in the repeat in which it used the most.
    generator_cores: float

    @property
    def limited(self) -> bool:
        """Whether the load generator itself may have been the bottleneck."""
        return self.generator_cores > GENERATOR_LIMIT


@dataclass(frozen=True)
class Summary:
    """A run's figures and what they say."""

    plan: Plan
    system: Mapping[str, str]
    #: Why it is only a part of the plan; none if it is all of it.
    troubles: Sequence[str]
    rows: Sequence[Row]
    saturation: Mapping[str, Saturation]
    ratios: Sequence[Ratio]
    verdicts: Sequence[str]
    cautions: Sequence[str]

    def of(self, backend: str) -> list[Row]:
        """A backend's rows, the levels rising."""
        return [row for row in self.rows if row.cell.backend == backend]


def summarise(run: Run, system: Mapping[str, str]) -> Summary:
    """Compute everything from a run, whole or not."""
    plan = run.plan
    rows = []
    for backend in plan.backends:
        for level in plan.levels:
            turns = [one for one in run.turns if (one.turn.backend, one.turn.level) == (backend, level)]
            if turns:
                turns.sort(key=lambda one: one.turn.repeat)
                rows.append(_row(cell(turns, plan.slos), turns))
    cells = {name: [row.cell for row in rows if row.cell.backend == name] for name in plan.backends}
    cells = {name: found for name, found in cells.items() if found}
    found = ratios(cells)
    return Summary(
        plan=plan,
        system=system,
        troubles=run.troubles,
        rows=rows,
        saturation={name: saturation(levels) for name, levels in cells.items()},
        ratios=found,
        verdicts=verdicts(plan, cells, found),
        cautions=[*_of_the_machine(plan, rows, run.turns), *cautions(plan, cells)],
    )


def _row(found: Cell, turns: Sequence[Measured]) -> Row:
    usages = [turn.usage for turn in turns if turn.usage.parts]
    names = dict.fromkeys(name for usage in usages for name in usage.parts)
    parts = {
        name: Part(
            statistics.fmean(usage.parts[name].cores for usage in usages if name in usage.parts),
            max(usage.parts[name].memory_mib for usage in usages if name in usage.parts),
        )
        for name in names
    }
    others = [usage.others_cores for usage in usages if usage.others_cores is not None]
    return Row(
        found,
        parts,
        statistics.fmean(others) if others else None,
        tuple(_gpu([usage.gpus[index] for usage in usages]) for index in range(len(usages[0].gpus))) if usages else (),
        max((usage.generator_cores for usage in usages), default=0.0),
    )


def _gpu(seen: Sequence[Gpu]) -> Gpu:
    def of(values: list[float | None], how: Any) -> float | None:
        told = [value for value in values if value is not None]
        return how(told) if told else None

    return Gpu(
        seen[0].name,
        of([one.utilisation for one in seen], statistics.fmean),
        of([one.power_w for one in seen], statistics.fmean),
        of([one.memory_mib for one in seen], max),
    )


def _of_the_machine(plan: Plan, rows: Sequence[Row], turns: Sequence[Measured]) -> list[str]:
    said = []
    if limited := [row for row in rows if row.limited]:
        where = ", ".join(f"{row.cell.backend} at {plan.level_told(row.cell.level)}" for row in limited)
        said.append(
            f"The load generator used more than {GENERATOR_LIMIT:.0%} of a core (*) and may have been the bottleneck "
            f"itself; the backend may do more: {where}."
        )
    yardsticks = [turn.yardstick_ms for turn in turns if turn.yardstick_ms]
    if yardsticks and statistics.median(yardsticks) > NOISY * min(yardsticks):
        said.append(
            f"The machine was noisy: a fixed piece of work took {min(yardsticks):.0f} ms at best, "
            f"{statistics.median(yardsticks):.0f} in the middle and {max(yardsticks):.0f} at worst."
        )
    others = [row.others_cores for row in rows if row.others_cores is not None]
    if others and max(others) > 0.25 and "engine" in rows[0].parts:
        said.append(f"Other processes than those measured used {max(others):.1f} cores on average at the worst level.")
    if plan.repeats < 3:
        said.append(
            f"With {plan.repeats} repeat{'s' if plan.repeats > 1 else ''} the intervals hardly know how much the "
            "machine differs from one time to another: --repeats 5 knows more."
        )
    return said


def document(summary: Summary) -> dict[str, Any]:
    """The report for programs; times in seconds, rates a second, memory in MiB."""
    plan = summary.plan
    return {
        "complete": not summary.troubles,
        "troubles": list(summary.troubles),
        "plan": {
            **{name: getattr(plan, name) for name in plan.__dataclass_fields__ if name != "slos"},
            "slos": {name: getattr(plan.slos, name) for name in plan.slos.__dataclass_fields__},
        },
        "system": dict(summary.system),
        "verdicts": list(summary.verdicts),
        "cautions": list(summary.cautions),
        "levels": [_level(row) for row in summary.rows],
        "saturation": {name: {"level": at.level, "why": at.why} for name, at in summary.saturation.items()},
        "ratios": [
            {"one": one.one, "other": one.other, "level": one.level, "what": one.what, **_figure(one.figure),
             "differs": one.differs}
            for one in summary.ratios
        ],
    }  # fmt: skip


def _level(row: Row) -> dict[str, Any]:
    found = row.cell
    return {
        "backend": found.backend,
        "level": found.level,
        "repeats": [repeat + 1 for repeat in found.repeats],
        "sent": found.sent,
        "outcomes": dict(found.outcomes),
        "first_error": found.first_error,
        "rates": {name: _figure(figure) for name, figure in found.rates.items()},
        "times_s": {
            name: {
                "n": len(found.values[name]),
                **{f"p{percent}": _figure(figure) for percent, figure in of.items()},
            }
            for name, of in found.times.items()
        },
        "answer_tokens": _figure(found.answer_tokens),
        "generator_cores": row.generator_cores,
        "generator_may_have_been_the_bottleneck": row.limited,
        "resources": {name: {"cores": part.cores, "memory_mib": part.memory_mib} for name, part in row.parts.items()},
        "other_processes_cores": row.others_cores,
        "gpus": [
            {"name": gpu.name, "utilisation": gpu.utilisation, "power_w": gpu.power_w, "memory_mib": gpu.memory_mib}
            for gpu in row.gpus
        ],
    }


def _figure(figure: Figure) -> dict[str, float | None]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}
