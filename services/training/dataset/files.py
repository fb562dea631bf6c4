"""The files of a dataset: its pairs, its figures and its card."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

from tqdm import tqdm

from services.training.dataset.build import made
from services.training.dataset.card import card
from services.training.dataset.place import CARD, DATASET, SAMPLE, SAMPLED, STATISTICS
from services.training.dataset.statistics import statistics


def make(folder: Path, number: int, seed: int, processes: int, *, publish: bool = False) -> None:
    """Make a dataset in ``folder``, whose dataset.jsonl appears when it is complete.

    Args:
        folder: where it goes.
        number: of pairs to keep.
        seed: of all that is drawn.
        processes: that work on it.
        publish: whether the card, its figures and the sample in the repository are made of it, too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lost: Counter[str] = Counter()
    part = folder / f"{DATASET}.part"
    with part.open("w", encoding="utf-8") as out:
        for pair in tqdm(made(number, seed, processes, lost), total=number, unit="pair"):
            out.write(json.dumps(pair, ensure_ascii=False) + "\n")
    counted = statistics(part, seed, lost)
    part.rename(folder / DATASET)
    places = [(folder / STATISTICS.name, folder / "card.md")] + ([(STATISTICS, CARD)] if publish else [])
    for figures, page in places:
        figures.write_text(json.dumps(counted, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        page.write_text(card(counted, page.parent), encoding="utf-8")
    if publish:
        with (folder / DATASET).open(encoding="utf-8") as lines:
            SAMPLE.write_text("".join(line for _, line in zip(range(SAMPLED), lines, strict=False)), encoding="utf-8")
    splits = ", ".join(f"{split['pairs']} {name}" for name, split in counted["splits"].items())
    print(f"{folder / DATASET}: {number} pairs ({splits}); {sum(lost.values())} thrown away", file=sys.stderr)
