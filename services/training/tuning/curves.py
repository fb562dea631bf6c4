"""How a run went, as a picture: loss, learning rate and speed over its steps.

python -m services.training.tuning.curves FOLDER: draws curves.svg from the log.jsonl of a run, also while it goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from services.training.tuning.log import read

#: Steps that the smooth line is a mean of.
_SMOOTH = 20


def draw(folder: Path) -> None:
    """Write curves.svg."""
    steps, validations = read(folder)
    numbers = [entry["step"] for entry in steps]
    with matplotlib.rc_context({"svg.hashsalt": "curves", "svg.fonttype": "none"}):  # the same picture each time
        figure = Figure(figsize=(8, 8), layout="constrained")
        loss, rate, speed = figure.subplots(3, sharex=True, height_ratios=(3, 1, 1))
        losses = [entry["loss"] for entry in steps]
        loss.plot(numbers, losses, color="#9db8d6", linewidth=0.8, label="training, each step")
        loss.plot(numbers, _smooth(losses), color="#1f5fa8", label=f"training, mean of {_SMOOTH} steps")
        loss.plot(
            [entry["step"] for entry in validations],
            [entry["validation_loss"] for entry in validations],
            "o-",
            color="#c0392b",
            label="validation",
        )
        loss.set_ylabel("loss, nats a token")
        loss.set_yscale("log")
        loss.yaxis.set_major_formatter("{x:g}")
        loss.yaxis.set_minor_formatter("{x:g}")
        loss.legend()
        rate.plot(numbers, [entry["rate"] for entry in steps], color="#1f5fa8")
        rate.set_ylabel("learning rate")
        speed.plot(numbers, [entry["tokens"] / entry["took_s"] for entry in steps], color="#1f5fa8", linewidth=0.8)
        speed.set_ylabel("tokens/s")
        speed.set_ylim(bottom=0)
        speed.set_xlabel("step")
        for part in (loss, rate, speed):
            part.grid(alpha=0.3)
        figure.savefig(folder / "curves.svg", metadata={"Date": None})


def _smooth(values: list[float]) -> list[float]:
    means = []
    for end in range(1, len(values) + 1):
        some = values[max(0, end - _SMOOTH) : end]
        means.append(sum(some) / len(some))
    return means


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
