"""What a run is to do, and how the learning rate goes with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Method = Literal["full", "lora"]


@dataclass(frozen=True)
class Plan:
    """Hyper-parameters of a run; two runs with the same ones, the same data and the same machine are the same."""

    method: Method = "full"
    """``full`` trains every linear layer and makes the adapter from the change; ``lora`` trains the adapter by peft."""
    learning_rate: float = 8e-4
    rank: int = 64
    """Of the adapter."""
    epochs: float = 2.0
    minutes: float | None = None
    """Of the loop, if the epochs take longer; how many steps that are depends on the machine."""
    tokens_per_step: int = 4096
    """Of questions, answers and padding."""
    longest: int = 512
    """Tokens of the longest pair that is trained on."""
    weight_decay: float = 0.01
    warm_up: float = 0.05
    """Share of the run in which the learning rate rises from 0; then it falls as a cosine, to a twentieth."""
    pairs: int | None = None
    """To train on, drawn at random; None for all."""
    validation_pairs: int = 200
    """Enough for the loss to two digits; each validation costs a third of so many pairs of training."""
    validations: int = 5
    """How often the loss on the validation split is taken."""
    patience: int = 3
    """Validations without a gain after which the run stops."""
    compiled: bool = False
    """Whether the layers are compiled, for all rows of one length: on a GPU it can pay."""
    seed: int = 1

    def share(self, done: int, steps: int, used_s: float) -> float:
        """How much of the run is over, from 0 to 1, after so many of its steps and so many seconds."""
        by_clock = used_s / (60 * self.minutes) if self.minutes is not None else 0.0
        return min(1.0, max(done / steps, by_clock))

    def rate(self, share: float) -> float:
        """The learning rate at that share of the run."""
        if share < self.warm_up:
            return self.learning_rate * share / self.warm_up
        fallen = (share - self.warm_up) / (1 - self.warm_up)
        return self.learning_rate * (0.05 + 0.95 * (1 + math.cos(math.pi * fallen)) / 2)
