"""A search over hyper-parameters: runs of equal time on one copy of the pairs, compared by their validation loss.

Unlike ``scripts/finetune --search`` no adapter is made of a trial: on a GPU that takes as long as the trial does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from services.training.gpu.context import Context, free
from services.training.gpu.ledger import Stop
from services.training.tuning import job, lora, model
from services.training.tuning.loop import Interrupted, Run
from services.training.tuning.plan import Plan

#: What is tried, in this order; few enough that each is chosen and none drawn.
TRIED: Sequence[Mapping[str, Any]] = (
    {"method": "full", "learning_rate": 1e-3, "weight_decay": 0.01},
    {"method": "lora", "learning_rate": 2e-3, "weight_decay": 0.01, "rank": 128},
    {"method": "full", "learning_rate": 2e-3, "weight_decay": 0.01},
    {"method": "full", "learning_rate": 5e-4, "weight_decay": 0.01},
    {"method": "full", "learning_rate": 2e-3, "weight_decay": 0.1},
    {"method": "lora", "learning_rate": 4e-3, "weight_decay": 0.01, "rank": 64},
    {"method": "full", "learning_rate": 4e-3, "weight_decay": 0.01},
    {"method": "full", "learning_rate": 1e-3, "weight_decay": 0.1},
)


class Trials:
    """Runs trials. What they share is loaded with the first one."""

    def __init__(self, context: Context, base: Plan) -> None:
        self._context, self._base = context, base
        self._network: Any = None
        self._before: dict[str, torch.Tensor] = {}

    def __call__(self, tried: Mapping[str, Any], number: int, stopping: Callable[[], bool]) -> dict[str, Any]:
        """One trial. Raises Stop."""
        plan = replace(self._base, minutes=self._context.sizes.trial_minutes, validations=1, **tried)
        rows, valid = self._rows()
        network = self._in_full() if plan.method == "full" else self._with_adapter(plan)
        self._warm_up(network, rows, plan)
        folder = self._context.out / "trials" / f"{number:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(network, rows, valid, plan, folder)
        try:
            progress = run.train(lambda _: None, stopping=stopping)
        except Interrupted:
            raise Stop from None
        finally:
            run.forget()
        return {
            "tried": dict(tried),
            "validation_loss": round(progress.best, 4),
            "steps": progress.step,
            "tokens": progress.tokens,
            "tokens_per_s": progress.tokens / progress.used_s,
        }

    def forget(self) -> None:
        """Give back the memory."""
        self._network, self._before = None, {}
        free()

    def _rows(self) -> tuple[Any, Any]:
        if not hasattr(self, "_read"):
            self._read = job.read_rows(self._base, self._context.sources())
        return self._read

    def _in_full(self) -> Any:
        """The one network of all trials in full, as it was in the beginning: it is compiled once."""
        if self._network is None:
            self._network = self._load()
            self._before = {name: weight.detach().clone() for name, weight in self._network.named_parameters()}
        with torch.no_grad():
            for name, weight in self._network.named_parameters():
                weight.copy_(self._before[name])
        return self._network

    def _with_adapter(self, plan: Plan) -> Any:
        torch.manual_seed(plan.seed)
        network = self._load()
        lora.prepare(network, plan.rank, None)
        return network

    def _load(self) -> Any:
        network = model.load(self._context.model, self._context.device)
        if self._base.compiled:
            model.compile_layers(network)
        return network

    def _warm_up(self, network: Any, rows: Sequence[Any], plan: Plan) -> None:
        """Have what is compiled compiled before the clock starts."""
        for _ in range(2 if plan.compiled else 0):
            for loss in model.losses(network, rows[: max(1, plan.tokens_per_step // plan.longest)]):
                loss.backward()
            network.zero_grad(set_to_none=True)
