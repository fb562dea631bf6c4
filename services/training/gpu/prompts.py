"""The pairs and the prompts in tokens, so that the GPU machine needs neither the generator nor the robot's API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from services.behavior.catalogue import load_catalogue
from services.behavior.prompt import Message, build_messages, tuned_messages
from services.behavior.schema import BehaviorRequest
from services.training.evaluation.suite import Case, read_cases, sample
from services.training.gpu.parts import write_json
from services.training.tuning.examples import encode, read_pairs, write_tokens

#: Prompts with the API and its examples before the instruction, as for a model that was not fine-tuned.
UNTUNED = 64


def tokens_and_prompts(
    model: Path, datasets: Sequence[Path], handwritten: Path, test_prompts: int, tokens: Path, prompts: Path
) -> dict[str, int]:
    """Write both files, and return how many there are of what.

    Args:
        model: folder with the tokenizer.
        datasets: to train on the training pairs of all of them, and to validate with those of the first; what is held
            out of one is held out of all, for the patterns' names decide.
        handwritten: suite whose prompts are written, too.
        test_prompts: to draw from the test split of the first dataset.
        tokens: file of the pairs.
        prompts: file of the prompts: by suite, each with its id and its tokens.
    """
    tokenizer = AutoTokenizer.from_pretrained(model)
    train = [encode(tokenizer, pair) for pair in _novel(datasets)]
    valid = [encode(tokenizer, pair) for pair in read_pairs(datasets[0], "validation")]
    write_tokens(tokens, {"train": train, "validation": valid})
    test = sample(read_cases(datasets[0]), test_prompts, 1)
    suites = {
        "handwritten": [_prompt(tokenizer, case, tuned_messages(_request(case))) for case in read_cases(handwritten)],
        "test": [_prompt(tokenizer, case, tuned_messages(_request(case))) for case in test],
        "untuned": [
            _prompt(tokenizer, case, build_messages(load_catalogue("nao"), _request(case))) for case in test[:UNTUNED]
        ],
    }
    write_json(prompts, suites)
    return {
        "training_pairs": len(train),
        "training_tokens": sum(len(one.tokens) for one in train),
        "validation_pairs": len(valid),
        **{f"{suite}_prompts": len(some) for suite, some in suites.items()},
    }


def _novel(datasets: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The training pairs, without those whose words and scene came before."""
    said = set()
    for dataset in datasets:
        for pair in read_pairs(dataset, "train"):
            words = (pair["instruction"], repr(pair["scene"]))
            if words not in said:
                said.add(words)
                yield pair


def _request(case: Case) -> BehaviorRequest:
    return BehaviorRequest(instruction=case.item.instruction, scene=case.item.scene)


def _prompt(tokenizer: Any, case: Case, messages: list[Message]) -> dict[str, Any]:
    text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return {"id": case.item.id, "tokens": tokenizer(text, add_special_tokens=False)["input_ids"]}
