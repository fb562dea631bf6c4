"""The training loop: steps, validation, early stop, and all that is needed to go on after an interruption."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from services.training.tuning.examples import Row, batches
from services.training.tuning.model import Optimizer, loss_of

#: Takes the weights that learn, by name, in float32.
Keep = Callable[[dict[str, torch.Tensor]], None]


@dataclass(frozen=True)
class Plan:
    """Hyper-parameters of a run."""

    learning_rate: float = 8e-4
    epochs: float = 2.0
    rows_per_step: int = 8
    warm_up: float = 0.05
    """Share of the steps in which the learning rate rises from 0; then it falls as a cosine, to a twentieth."""
    weight_decay: float = 0.01
    validations: int = 5
    """How often the loss on the validation split is taken."""
    patience: int = 3
    """Validations without a gain after which the run stops."""
    seed: int = 1


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    best: float = math.inf
    waited: int = 0


class Run:
    """One training run in a folder, which keeps ``log.jsonl`` and ``state.pt``."""

    def __init__(self, model: Any, rows: Sequence[Row], valid: Sequence[Row], plan: Plan, folder: Path) -> None:
        self._model, self._rows, self._valid, self._plan, self._folder = model, rows, valid, plan, folder
        self._optimizer = Optimizer(model, weight_decay=plan.weight_decay)
        self._steps = max(1, round(plan.epochs * math.ceil(len(rows) / plan.rows_per_step)))
        self._progress = Progress()
        self._state = folder / "state.pt"

    def train(self, keep: Keep, *, save_every_s: float = 600.0) -> float:
        """Train to the end or to the early stop; ``keep`` is given the weights whenever they are better than before.

        Returns the least loss on the validation split, in nats a token. A run that was interrupted goes on from its
        last state.
        """
        if self._state.exists():
            self._restore()
        every = max(1, self._steps // self._plan.validations)
        saved = time.monotonic()
        with tqdm(total=self._steps, initial=self._progress.step, unit="step", smoothing=0.05) as bar:
            for step, batch in self._remaining():
                loss, tokens, took = self._step(step, batch)
                bar.set_postfix_str(f"loss {loss:.3f}, {tokens / took:.0f} tokens/s")
                bar.update()
                self._progress.step = step + 1
                if ((step + 1) % every == 0 or step + 1 == self._steps) and self._validate(keep):
                    break
                if time.monotonic() - saved > save_every_s:
                    self._save()
                    saved = time.monotonic()
        self._state.unlink(missing_ok=True)
        return self._progress.best

    def _remaining(self) -> Any:
        """The steps that are left, each with its batch: the same ones whether the run was interrupted or not."""
        rng = random.Random(self._plan.seed)  # noqa: S311 - the order of batches is no secret
        step = 0
        while step < self._steps:
            for batch in batches(self._rows, self._plan.rows_per_step, rng):
                if step >= self._steps:
                    return
                if step >= self._progress.step:
                    yield step, batch
                step += 1

    def _step(self, step: int, batch: Sequence[Row]) -> tuple[float, int, float]:
        began = time.monotonic()
        loss, _ = loss_of(self._model, batch)
        loss.backward()
        rate = self._rate(step)
        norm = self._optimizer.step(rate)
        took = time.monotonic() - began
        tokens = sum(len(row.tokens) for row in batch)
        self._log(
            step=step, loss=round(loss.item(), 4), rate=rate, norm=round(norm, 3), tokens=tokens, took_s=round(took, 3)
        )
        return loss.item(), tokens, took

    def _rate(self, step: int) -> float:
        rising = max(1, round(self._plan.warm_up * self._steps))
        if step < rising:
            return self._plan.learning_rate * (step + 1) / rising
        share = (step - rising) / max(1, self._steps - rising)
        return self._plan.learning_rate * (0.05 + 0.95 * (1 + math.cos(math.pi * share)) / 2)

    def _validate(self, keep: Keep) -> bool:
        """Take the loss on the validation split; True if the run is to stop."""
        loss_now = self.validation_loss()
        self._log(step=self._progress.step - 1, validation_loss=round(loss_now, 4))
        if loss_now < self._progress.best:
            self._progress.best, self._progress.waited = loss_now, 0
            keep(self._optimizer.weights())
        else:
            self._progress.waited += 1
        return self._progress.waited >= self._plan.patience

    def validation_loss(self) -> float:
        """Mean loss of the model on the validation split, in nats a token."""
        total, count = 0.0, 0
        self._model.eval()
        with torch.no_grad():
            for start in range(0, len(self._valid), self._plan.rows_per_step):
                loss, tokens = loss_of(self._model, self._valid[start : start + self._plan.rows_per_step])
                total, count = total + loss.item() * tokens, count + tokens
        self._model.train()
        return total / max(1, count)

    def _log(self, **entry: Any) -> None:
        with (self._folder / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def _save(self) -> None:
        """Keep the state, in one piece or not at all."""
        part = self._state.with_suffix(".part")
        torch.save({"progress": asdict(self._progress), "optimizer": self._optimizer.state()}, part)
        part.replace(self._state)

    def _restore(self) -> None:
        state = torch.load(self._state, weights_only=True)
        self._progress = Progress(**state["progress"])
        self._optimizer.restore(state["optimizer"])
