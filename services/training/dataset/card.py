"""The data card: prose from card.md, filled in with the figures of a dataset."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from services.training.dataset.place import CARD, ROOT

#: Tags of a smaller share of the pairs are left to statistics.json.
_RARE = 0.005
_PROSE = Template(Path(__file__).with_name("card.md").read_text(encoding="utf-8"))


def card(statistics: Mapping[str, Any], folder: Path) -> str:
    """The data card of a dataset, in Markdown, from its ``statistics``.

    Its links are right in ``folder``, or in docs/ if that lies outside the repository: a card must not hold a path of
    the machine it was made on.
    """
    splits, pairs = statistics["splits"], statistics["pairs"]
    lost = sum(statistics["lost"].values())
    return _PROSE.substitute(
        root=os.path.relpath(ROOT, folder if folder.resolve().is_relative_to(ROOT) else CARD.parent),
        seed=statistics["seed"],
        pairs=f"{pairs:,}",
        train=f"{splits['train']['pairs']:,}",
        megabytes=f"{statistics['bytes'] / 1e6:.1f}",
        sha256=statistics["sha256"],
        skills=statistics["skills"],
        patterns=f"{statistics['patterns']:,}",
        drafts=f"{pairs + lost:,}",
        lost=f"{lost:,}",
        refused=_share(sum(split["refuses"] for split in splits.values()), pairs),
        answered=_share(sum(split["words"] for split in splits.values()), pairs),
        chinese=_share(sum(split["zh"] for split in splits.values()), pairs),
        test_in_train=statistics["skeletons_in_train"]["test"],
        validation_in_train=statistics["skeletons_in_train"]["validation"],
        split_table=_table(
            ("split", "pairs", "English", "Chinese", "acts", "words", "refuses"),
            ([name, *split.values()] for name, split in splits.items()),
        ),
        held_out_table=_table(
            ("held out", "validation", "test"), ([kind, *of.values()] for kind, of in statistics["held_out"].items())
        ),
        calls_table=_counts("calls", statistics["calls"], pairs),
        tasks_table=_counts("things asked for", statistics["tasks"], pairs),
        characters_table=_table(
            ("characters", "least", "median", "95 %", "most"),
            ([what, *spread.values()] for what, spread in statistics["characters"].items()),
        ),
        scenes_table=_counts("scene", statistics["scenes"], pairs),
        services_table=_table(
            ("service", "pairs", "calls"), ([name, *of.values()] for name, of in statistics["services"].items())
        ),
        tags=len(statistics["tags"]),
        tags_table=_counts("tag", {tag: of for tag, of in statistics["tags"].items() if of >= _RARE * pairs}, pairs),
        lost_table=_table(("thrown away because", "drafts"), statistics["lost"].items()),
    )


def _counts(what: str, counted: Mapping[str, int], whole: int) -> str:
    rows = ([name, count, _share(count, whole)] for name, count in counted.items())
    return _table((what, "pairs", "share"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "\n".join([_row(head), "|---" * len(head) + "|", *map(_row, rows)])


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"


def _share(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f} %"
