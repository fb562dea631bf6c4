"""How much is done of what: the whole, by the minutes that there are, or next to nothing, to rehearse it on a CPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Of a run. What it leaves depends on them, so a run that goes on keeps those that it began with."""

    layers: int | None
    """Of the model, its first ones; None for all."""
    pairs: int | None
    validation_pairs: int
    longest: int
    tokens_per_step: int
    rank: int
    """Of the adapters made of weights that were trained in full; the smaller ones are cut out of it."""
    smaller_ranks: tuple[int, ...]
    epochs: float
    """At most; the minutes end a run before."""
    validations: int
    first_minutes: float
    trials: int
    trial_minutes: float
    best_minutes: float
    polish_minutes: float
    suites: tuple[str, ...]
    prompts: int
    """Of each suite at most."""
    new_tokens: int
    """Of a program at most."""
    batch: int
    """Prompts that programs are written for together."""
    served_tokens: int
    """Of an answer at most, where engines are compared."""
    concurrencies: tuple[int, ...]
    """In the order in which they are measured: what tells most first."""
    batches: tuple[int, ...]
    """Rows together where ways of decoding are compared."""
    decoded_tokens: int
    """That each row of those gets, no less and no more."""
    repeats: int
    """Of each timing."""
    timed_steps: int
    """Of training, for its speed."""
    copied_mib: int
    multiplied: int
    """Rows and columns of the matrices whose product is timed."""


def whole(minutes: float) -> Sizes:
    """Sizes for so many minutes in all, of which fine-tuning takes a little more than half."""
    return Sizes(
        layers=None,
        pairs=None,
        validation_pairs=800,
        longest=512,
        tokens_per_step=16_384,
        rank=128,
        smaller_ranks=(64, 32),
        epochs=20.0,
        validations=3,
        first_minutes=0.12 * minutes,
        trials=8,
        trial_minutes=0.015 * minutes,
        best_minutes=0.18 * minutes,
        polish_minutes=0.025 * minutes,
        suites=("handwritten", "test"),
        prompts=1000,
        new_tokens=512,
        batch=1024,
        served_tokens=128,
        concurrencies=(1, 256, 16, 64, 4, 128, 32, 8, 2),
        batches=(1, 256),
        decoded_tokens=64,
        repeats=3,
        timed_steps=10,
        copied_mib=4096,
        multiplied=8192,
    )


def tiny() -> Sizes:
    """Sizes for a rehearsal on a CPU; what comes of it is of no use."""
    return Sizes(
        layers=2,
        pairs=6,
        validation_pairs=2,
        longest=320,
        tokens_per_step=320,
        rank=8,
        smaller_ranks=(4,),
        epochs=1.0,
        validations=1,
        first_minutes=0.3,
        trials=2,
        trial_minutes=0.05,
        best_minutes=0.3,
        polish_minutes=0.1,
        suites=("handwritten", "test"),
        prompts=3,
        new_tokens=8,
        batch=2,
        served_tokens=4,
        concurrencies=(1, 2),
        batches=(1, 2),
        decoded_tokens=4,
        repeats=2,
        timed_steps=1,
        copied_mib=16,
        multiplied=256,
    )
