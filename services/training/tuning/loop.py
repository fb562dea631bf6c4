"""The training loop: steps, validation, early stop, and all that is needed to go on after an interruption."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from services.training.tuning import log
from services.training.tuning.examples import Row, batches
from services.training.tuning.model import Optimizer, as_they_are, learnt_tokens, losses
from services.training.tuning.plan import Plan

#: Takes the weights that learn, by name, in float32.
Keep = Callable[[dict[str, torch.Tensor]], None]


class Interrupted(Exception):
    """The run was asked to stop, and has kept its state."""


@dataclass
class Progress:
    """How far a run has come."""

    step: int = 0
    used_s: float = 0.0
    at_start: float = math.nan
    """Loss on the validation split before the first step, in nats a token."""
    best: float = math.inf
    validated: int = 0
    waited: int = 0
    """Validations since the best one."""
    tokens: int = 0
    """That were trained on, those of questions and padding included."""


class Run:
    """One training run in a folder, which keeps ``log.jsonl`` and, until it is forgotten, ``state.pt``."""

    def __init__(self, model: Any, rows: Sequence[Row], valid: Sequence[Row], plan: Plan, folder: Path) -> None:
        self._model, self._rows, self._valid, self._plan, self._folder = model, rows, valid, plan, folder
        self._optimizer = Optimizer(model, weight_decay=plan.weight_decay)
        tokens = sum(len(row.tokens) for row in rows)
        self.steps = max(1, round(plan.epochs * tokens / plan.tokens_per_step))
        self.progress = Progress()
        self._state = folder / "state.pt"

    def train(
        self, keep: Keep, *, stopping: Callable[[], bool] = lambda: False, save_every_s: float = 600.0
    ) -> Progress:
        """Train to the end or to the early stop; a run that was interrupted goes on from its last state.

        Args:
            keep: is given the weights whenever they are better than before.
            stopping: whether the run is to stop for now; asked after each step.
            save_every_s: seconds between two states, of which an interruption without notice costs one.

        Raises Interrupted when it stopped for now.
        """
        if self._state.exists():
            self._restore()
        else:
            (self._folder / log.LOG).unlink(missing_ok=True)
            self.progress.at_start = self._validation_loss()
            log.append(self._folder, step=0, validation_loss=round(self.progress.at_start, 4))
        saved = time.monotonic()
        began = saved - self.progress.used_s
        with tqdm(total=self.steps, initial=self.progress.step, unit="step", smoothing=0.05) as bar:
            for batch in self._remaining():
                loss, speed = self._step(batch)
                self.progress.used_s = time.monotonic() - began
                done = self._share(self.progress.step)
                bar.total = round(self.progress.step / done)
                bar.set_postfix_str(f"loss {loss:.3f}, {speed:.0f} tokens/s")
                bar.update()
                if math.floor(done * self._plan.validations + 1e-9) > self.progress.validated:
                    self._validate(keep)
                    self.progress.used_s = time.monotonic() - began
                if stopping():
                    self._save()
                    raise Interrupted
                if time.monotonic() - saved > save_every_s:
                    self._save()
                    saved = time.monotonic()
        self._save()
        return self.progress

    def forget(self) -> None:
        """Remove the state: all that is made from the run is written."""
        self._state.unlink(missing_ok=True)

    def _share(self, done: int) -> float:
        return self._plan.share(done, self.steps, self.progress.used_s)

    def _remaining(self) -> Iterator[list[Row]]:
        """The batches that are left: the same ones whether the run was interrupted or not."""
        rng = random.Random(self._plan.seed)  # noqa: S311 - the order of batches is no secret
        step = 0
        while True:
            for batch in batches(self._rows, self._plan.tokens_per_step, rng):
                if step >= self.progress.step:
                    if self._share(step) >= 1 or self.progress.waited >= self._plan.patience:
                        return
                    yield batch
                step += 1

    def _step(self, batch: Sequence[Row]) -> tuple[float, float]:
        """Learn from a batch; returns its loss in nats a token, and tokens per second."""
        began = time.monotonic()
        tokens = sum(len(row.tokens) for row in batch)
        parts = []
        with nullcontext() if tokens == self._plan.tokens_per_step or not self._plan.compiled else as_they_are():
            for loss in losses(self._model, batch):
                loss.backward()
                parts.append(loss.detach())
        rate = self._plan.rate(self._share(self.progress.step + 1))
        norm = float(self._optimizer.step(rate))  # where a GPU is waited for, once in a step
        told = sum(part.item() for part in parts)
        took = time.monotonic() - began
        self.progress.step += 1
        self.progress.tokens += tokens
        log.append(
            self._folder,
            step=self.progress.step,
            loss=round(told, 4),
            rate=rate,
            norm=round(norm, 3),
            tokens=tokens,
            took_s=round(took, 3),
        )
        return told, tokens / took

    def _validate(self, keep: Keep) -> None:
        """Take the loss on the validation split, and keep the weights if it is the least so far."""
        loss = self._validation_loss()
        self.progress.validated = math.floor(self._share(self.progress.step) * self._plan.validations + 1e-9)
        log.append(self._folder, step=self.progress.step, validation_loss=round(loss, 4))
        if loss < self.progress.best:
            self.progress.best, self.progress.waited = loss, 0
            keep(self._optimizer.weights())
        else:
            self.progress.waited += 1

    def _validation_loss(self) -> float:
        with as_they_are() if self._plan.compiled else nullcontext():
            return validation_loss(self._model, self._valid, self._plan.tokens_per_step)

    def _save(self) -> None:
        """Keep the state, in one piece or not at all."""
        part = self._state.with_suffix(".part")
        torch.save({"progress": asdict(self.progress), "optimizer": self._optimizer.state()}, part)
        part.replace(self._state)

    def _restore(self) -> None:
        state = torch.load(self._state, weights_only=True)
        self.progress = Progress(**state["progress"])
        self._optimizer.restore(state["optimizer"])


def validation_loss(model: Any, rows: Sequence[Row], tokens_at_once: int) -> float:
    """Mean loss of a model on rows, in nats a token that it is to write."""
    total = 0.0
    model.eval()
    with torch.no_grad():
        for batch in batches(rows, tokens_at_once, random.Random(0)):  # noqa: S311 - any order will do
            total += sum(loss.item() for loss in losses(model, batch)) * learnt_tokens(batch)
    model.train()
    return total / learnt_tokens(rows)
