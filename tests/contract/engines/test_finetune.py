"""Fine-tuning for real, on next to nothing: what it leaves, how it goes on where it was, and how it is served."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_process import environ, serving

from services.training.dataset.place import SAMPLE

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]

#: Few short rows, and of each method a rate at which even these leave a mark.
TINY = (
    "--tokens=192", "--longest=192", "--validation-pairs=2", "--validations=1", "--epochs=1", "--rank=8",
)  # fmt: skip
METHODS = {
    "full": ("--method=full", "--learning-rate=5e-4"),
    "lora": ("--method=lora", "--learning-rate=1e-2"),
}
WRITTEN = 24


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample, some of it to validate with."""
    path = tmp_path_factory.mktemp("dataset") / "dataset.jsonl"
    pairs = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    for number, pair in enumerate(pairs):
        pair["split"] = "train" if number % 10 else "validation"
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs), encoding="utf-8")
    return path


class Finetune:
    """The command, on the tiny dataset."""

    def __init__(self, python: str, model: Path, dataset: Path) -> None:
        self._start = [python, "-m", "services.training.tuning", f"--model={model}", f"--dataset={dataset}", *TINY]

    def start(self, out: Path, *arguments: str) -> subprocess.Popen[str]:
        command = [*self._start, f"--out={out}", *arguments]
        return subprocess.Popen(command, env=environ(), stderr=subprocess.PIPE, text=True)

    def __call__(self, out: Path, *arguments: str, status: int = 0) -> str:
        """Run it to its end; what it told."""
        process = self.start(out, *arguments)
        _, told = process.communicate(timeout=600)
        assert process.returncode == status, told
        return told


@pytest.fixture(scope="module")
def finetune(training_python: str, model_folder: Path, dataset: Path) -> Finetune:
    return Finetune(training_python, model_folder, dataset)


@pytest.fixture(scope="module", params=list(METHODS))
def run(
    request: pytest.FixtureRequest, finetune: Finetune, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """A method, and the folder of a run that is done."""
    out = tmp_path_factory.mktemp(request.param) / "run"
    finetune(out, "--pairs=4", *METHODS[request.param])
    return request.param, out


def log_of(out: Path) -> list[dict[str, Any]]:
    path = out / "log.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def test_a_run_leaves_the_adapter_and_what_is_to_be_told_of_it(run: tuple[str, Path], finetune: Finetune) -> None:
    method, out = run
    assert {path.name for path in out.iterdir()} == {
        "adapter", "curves.svg", "log.jsonl", "machine.json", "model_card.md", "options.json",
        "report.json",
    }  # fmt: skip
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    loss = report["validation_loss"]
    assert report["plan"]["method"] == method
    assert report["steps"] == report["steps_planned"] == len([entry for entry in log_of(out) if "loss" in entry])
    assert loss["trained"] < loss["at_start"]
    assert abs(loss["adapter"] - loss["trained"]) < abs(loss["at_start"] - loss["trained"])
    config = json.loads((out / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["r"], config["peft_type"]) == (8, "LORA")
    assert f"| validation loss with the adapter | {loss['adapter']:.4f} |" in (out / "model_card.md").read_text("utf-8")
    again = finetune(out, "--pairs=4", *METHODS[method])
    assert f"{loss['adapter']:.4f} with the adapter" in again
    assert "rows of" not in again, "it is not done again"
    assert "holds a run with pairs 4 and not 5" in finetune(out, "--pairs=5", *METHODS[method], status=1)


#: Writes an adapter like the one that is given, but with queries and keys, whose rows llama.cpp has in an order of its
#: own, changed many times as much; tells a question in tokens.
QUESTION = """
import json, sys
from pathlib import Path
from safetensors.torch import load_file
from transformers import AutoTokenizer
from services.training.tuning import adapter
from services.training.tuning.examples import encode, read_pairs
model, dataset, given, out = map(Path, sys.argv[1:])
weights = load_file(given / "adapter_model.safetensors")
for name in weights:
    if "lora_B" in name and ("q_proj" in name or "k_proj" in name):
        weights[name] *= 20
adapter.save(weights, 8, "base", (9, 3), out / "adapter")
example = encode(AutoTokenizer.from_pretrained(model), read_pairs(dataset, "validation")[0])
print(json.dumps(example.tokens[:example.asked]))
"""
#: Tells what Transformers would write in the place of each token of an answer, and the log-probability of that token,
#: first without and then with an adapter.
ANSWER = """
import json, sys, torch
from pathlib import Path
from transformers import AutoModelForCausalLM
from services.training.tuning import adapter
model, folder, asked, written = sys.argv[1:]
asked, written = json.loads(asked), json.loads(written)
network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
def told():
    with torch.no_grad():
        logits = network(torch.tensor([asked + written])).logits[0, len(asked) - 1:-1]
    logs = logits.log_softmax(-1)[range(len(written)), written].tolist()
    logits[:, network.config.eos_token_id] = -torch.inf  # which llama.cpp is not to write
    return [logits.argmax(-1).tolist(), logs]
without = told()
adapter.add(network, Path(folder))
print(json.dumps([without, told()]))
"""


def test_llama_cpp_and_transformers_agree_on_what_the_adapter_does(
    run: tuple[str, Path], training_python: str, model_folder: Path, dataset: Path, tmp_path: Path
) -> None:
    def ask(code: str, *arguments: object) -> Any:
        command = [training_python, "-c", code, *map(str, arguments)]
        return json.loads(
            subprocess.run(command, env=environ(), check=True, stdout=subprocess.PIPE, timeout=300).stdout
        )

    asked = ask(QUESTION, model_folder, dataset, run[1] / "adapter", tmp_path)
    settings = {"slots": 1, "context_tokens": 512, "lora_path": tmp_path / "adapter"}
    with serving(sys.executable, "services.engines.llamacpp", "LLAMACPP_", tmp_path / "log", 60, **settings) as server:
        body = {"prompt": asked, "n_predict": WRITTEN, "temperature": 0, "n_probs": 1, "ignore_eos": True}
        body["lora"] = [{"id": 0, "scale": 1.0}]
        status, document = server.post("/completion", **body)
        assert status == 200, document
    tokens = [token["id"] for token in document["completion_probabilities"]]
    theirs = [token["logprob"] for token in document["completion_probabilities"]]
    assert len(tokens) == WRITTEN
    (_, without), (best, ours) = ask(ANSWER, model_folder, tmp_path / "adapter", json.dumps(asked), json.dumps(tokens))
    apart = [abs(one - other) for one, other in zip(theirs, ours, strict=True)]
    assert sum(apart) / WRITTEN < 0.3
    assert sum(one == other for one, other in zip(best, tokens, strict=True)) >= WRITTEN - 3
    changed = [abs(one - other) for one, other in zip(ours, without, strict=True)]
    assert sum(changed) > 5 * sum(apart), "the adapter hardly does anything, so agreement says nothing"


def weights_of(out: Path) -> bytes:
    """The adapter's file without its head, which has metadata in an order that changes from one process to the next."""
    written = (out / "adapter" / "adapter_model.safetensors").read_bytes()
    return written[8 + int.from_bytes(written[:8], "little") :]


def test_a_run_that_was_interrupted_goes_on_as_if_nothing_had_been(finetune: Finetune, tmp_path: Path) -> None:
    finetune(tmp_path / "whole", "--pairs=6")
    process = finetune.start(tmp_path / "parts", "--pairs=6")
    while not any("loss" in entry for entry in log_of(tmp_path / "parts")):
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=300)
    assert (process.returncode, (tmp_path / "parts" / "state.pt").exists()) == (130, True), told
    assert "give the same command again" in told
    finetune(tmp_path / "parts", "--pairs=6")
    steps = [[entry["step"] for entry in log_of(tmp_path / name) if "loss" in entry] for name in ("whole", "parts")]
    assert steps[0] == steps[1]
    whole, parts = (weights_of(tmp_path / name) for name in ("whole", "parts"))
    assert whole == parts


@pytest.mark.parametrize("method", METHODS)
def test_a_run_goes_on_from_an_adapter(method: str, run: tuple[str, Path], finetune: Finetune, tmp_path: Path) -> None:
    finetune(tmp_path, "--pairs=2", f"--adapter={run[1] / 'adapter'}", *METHODS[method])
    before, after = (
        json.loads((out / "report.json").read_text(encoding="utf-8"))["validation_loss"] for out in (run[1], tmp_path)
    )
    # Not exactly: beside the weights an adapter counts in full, within them bfloat16 rounds it, and this one is small.
    assert abs(after["at_start"] - before["adapter"]) < 0.3 * (before["at_start"] - before["adapter"]), (before, after)
    assert after["adapter"] < before["at_start"]


def test_what_is_not_there_is_told(finetune: Finetune, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    out = tmp_path / "run"
    assert f"no dataset at {nothing}: scripts/dataset makes one" in finetune(out, f"--dataset={nothing}", status=1)
    assert f"no model in {nothing}" in finetune(out, f"--model={nothing}", status=1)
    assert f"no adapter in {nothing}" in finetune(out, f"--adapter={nothing}", status=1)
    assert "fit into 8 tokens: make a larger one" in finetune(out, "--longest=8", status=1)
    assert not out.exists(), "nothing is begun"


#: A run of a model of a few weights by a clock that goes on a second whenever it is looked at, and another one whose
#: losses are given; tells the steps that each was to take and took, and how often weights were kept.
LOOP = """
import itertools, json, sys
from pathlib import Path
from types import SimpleNamespace
from transformers import LlamaConfig, LlamaForCausalLM
from services.training.tuning import loop
from services.training.tuning.examples import Example, pack
from services.training.tuning.plan import Plan
size = {"vocab_size": 16, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
rows = pack([Example([1, 2, 3, 4], 2)] * 200, 8, 0)
def told(name, **plan):
    kept = []
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    network = LlamaForCausalLM(LlamaConfig(**size))
    run = loop.Run(network, rows, rows[:2], Plan(epochs=1, tokens_per_step=4, **plan), folder)
    return [run.steps, run.train(kept.append).step, len(kept)]
loop.time = SimpleNamespace(monotonic=itertools.count(step=1.0).__next__)
clock = told("clock", minutes=2, patience=9)
loop.validation_loss = lambda *_, losses=iter([3.0, 2.0, 2.5, 2.6, 2.7, 1.0]): next(losses)
print(json.dumps([clock, told("early", validations=10)]))
"""


def test_a_run_ends_by_the_clock_or_when_nothing_is_gained(training_python: str, tmp_path: Path) -> None:
    command = [training_python, "-c", LOOP, tmp_path]
    told = subprocess.run(command, env=environ(), check=True, stdout=subprocess.PIPE, timeout=300).stdout
    (planned, done, _), early = json.loads(told)
    assert planned == 200
    assert 10 < done < 60
    rates = [entry["rate"] for entry in log_of(tmp_path / "clock") if "loss" in entry]
    assert rates[-1] < 0.1 * max(rates), "the rate falls by the clock, too"
    assert early == [200, 80, 1], "three validations after the best one, of ten"


def test_a_search_compares_its_trials(finetune: Finetune, tmp_path: Path) -> None:
    finetune(tmp_path / "search", "--search=2", "--pairs=2")
    found = json.loads((tmp_path / "search" / "search.json").read_text(encoding="utf-8"))
    assert {one["trial"] for one in found} == {1, 2}
    assert found[0]["adapter_loss"] <= found[1]["adapter_loss"]
    assert len((tmp_path / "search" / "search.md").read_text(encoding="utf-8").splitlines()) == 4


#: The loss of two examples in one row, beside those of each in a row of its own.
PACKED = """
import json, sys
from services.training.tuning import model
from services.training.tuning.examples import encode, pack, read_pairs
from transformers import AutoTokenizer
folder, dataset = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(folder)
examples = [encode(tokenizer, pair) for pair in read_pairs(__import__("pathlib").Path(dataset), "train")[:2]]
network = model.load(folder, "cpu").float().eval()
def told(*some):
    rows = [row for one in some for row in pack(one, 800, 0)]
    return [sum(loss.item() for loss in model.losses(network, rows)), model.learnt_tokens(rows)]
print(json.dumps([told(examples), told(examples[:1]), told(examples[1:])]))
"""


def test_examples_in_one_row_do_not_see_each_other(training_python: str, model_folder: Path, dataset: Path) -> None:
    command = [training_python, "-c", PACKED, model_folder, dataset]
    told = subprocess.run(command, env=environ(), check=True, stdout=subprocess.PIPE, timeout=300).stdout
    (together, tokens), *alone = json.loads(told)
    assert tokens == sum(count for _, count in alone)
    assert together * tokens == pytest.approx(sum(loss * count for loss, count in alone), rel=1e-4)
