"""What a backend is asked for a behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.backends.base import GenerationRequest
from services.backends.config import BackendConfig
from services.behavior.catalogue import Catalogue, load_catalogue
from services.behavior.grammar import build_gbnf
from services.behavior.methods import CardSize
from services.behavior.prompt import build_messages, tuned_messages
from services.behavior.regex import build_regex
from services.behavior.schema import BehaviorRequest


@dataclass(frozen=True)
class Asking:
    """One behaviour, for whichever backend: one that is fine-tuned for the robot is asked in few words.

    Args:
        request: what is wanted.
        catalogue: of the robot, as far as a connected one has it.
        card: how much of the robot's API a model is shown that is not fine-tuned for it.
        trace: W3C trace context.
    """

    request: BehaviorRequest
    catalogue: Catalogue
    card: CardSize
    trace: Mapping[str, str] = field(default_factory=dict)

    def of(self, config: BackendConfig) -> GenerationRequest:
        """The generation to ask the backend for."""
        request = self.request
        constrained = config.grammar != "none"
        return GenerationRequest(
            messages=tuned_messages(request)
            if self.tuned(config)
            else build_messages(self.catalogue, request, self.card, constrained=constrained),
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            grammar=build_gbnf(
                self.catalogue, request.scene, pictured=request.image is not None, learnt=self.tuned(config)
            ),
            # For the whole catalogue: an engine would have to compile what a connected robot leaves of it. None is as
            # wide as what a fine-tuned model has learnt: sums, lists and loops over them.
            regex=None if self.tuned(config) else build_regex(load_catalogue(request.robot)),
            adapter=config.adapter(request.robot),
            trace=self.trace,
        )

    def tuned(self, config: BackendConfig) -> bool:
        """Whether the model is fine-tuned for the robot. It has learnt to write programs, not to mend them."""
        return self.request.robot in config.tuned and self.request.image is None
