"""Where the dataset and what belongs to it lie, and which one is the one that ships."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_DATA = ROOT / "services" / "training" / "data"

#: Where scripts/dataset puts it unless told otherwise.
FOLDER = ROOT / "reports" / "dataset"
DATASET = "dataset.jsonl"
#: So many that well over 12,000 are for training.
PAIRS = 30_000
SEED = 1

#: Of the dataset that ships, in the repository: the card, its figures, and the first pairs to look at.
CARD = ROOT / "docs" / "dataset.md"
STATISTICS = _DATA / "statistics.json"
SAMPLE = _DATA / "sample.jsonl"
SAMPLED = 100
