"""``python -m services.training.gpu.collect``: what came back from the GPU machine. Run it as scripts/gpu/collect."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from services.training.gpu.place import BUNDLE, ROOT

_DESCRIPTION = """\
Puts together what scripts/gpu/run sent: checks and joins the adapters, and judges by simulation the programs that they
wrote. Programs were written greedily, without the grammar and without a second try: that compares adapters with one
another; scripts/evaluate measures the whole engine.
"""
_EXAMPLES = """\
examples:
  scripts/gpu/collect first-call second-call     folders as they were sent, the last one last
  scripts/gpu/collect                            only judge what is left
  scripts/evaluate --adapter reports/gpu/best/adapter

It writes to --out: the figures as they were written there; of each adapter that has come whole, NAME/adapter; and
verdicts.md and verdicts.json. What is judged is not judged again.
exit status: 0 done; 1 something is wrong, and standard error says what; 2 wrong usage.
"""
_HANDWRITTEN = ROOT / "services" / "training" / "data" / "handwritten.jsonl"


def main(argv: Sequence[str] | None = None) -> int:
    """Put together and judge; return the exit status."""
    options = _parse(argv)
    # Here, because --help has to work where nothing is installed.
    from services.training.gpu.parts import PartProblem
    from services.training.judging.expectation import SuiteError

    try:
        for folder in options.folders:
            for line in take(folder, options.out):
                print(line, file=sys.stderr)
        for line in join_adapters(options.out):
            print(line, file=sys.stderr)
        print(judge_all(options.out, options.bundle))
    except (PartProblem, SuiteError, OSError) as problem:
        print(f"collect: {problem}", file=sys.stderr)
        return 1
    return 0


def take(folder: Path, out: Path) -> Iterator[str]:
    """Unpack the figures of a folder, which replace older ones, and keep its parts. Raises PartProblem, OSError."""
    from services.training.gpu.parts import PartProblem, join
    from services.training.gpu.send import FIGURES, PARTS

    if not (folder / PARTS).is_file():
        raise PartProblem(f"{folder} has no {PARTS}: give a folder that scripts/gpu/run --send has filled.")
    out.mkdir(parents=True, exist_ok=True)
    archive = out / FIGURES
    join(json.loads((folder / PARTS).read_text(encoding="utf-8")), [folder], archive)
    with tarfile.open(archive) as tar:
        tar.extractall(out / "figures", filter="data")
    archive.unlink()
    (out / "parts").mkdir(exist_ok=True)
    count = 0
    for part in folder.glob("*.safetensors.[0-9][0-9][0-9]"):
        shutil.copyfile(part, out / "parts" / part.name)
        count += 1
    yield f"{folder}: figures and {count} parts of adapters"


def join_adapters(out: Path) -> Iterator[str]:
    """Make the adapters of which all parts are there, and tell of each. Raises PartProblem, OSError."""
    from services.engines.llamacpp.adapter import CONFIG_FILE, WEIGHTS_FILE
    from services.training.gpu.parts import join, sha256
    from services.training.gpu.send import PARTS

    figures = out / "figures"
    wholes = json.loads((figures / PARTS).read_text(encoding="utf-8")) if (figures / PARTS).exists() else []
    for whole in wholes:
        folder = out / whole["adapter"] / "adapter"
        if (folder / WEIGHTS_FILE).is_file() and sha256(folder / WEIGHTS_FILE) == whole["sha256"]:
            yield f"{whole['adapter']}: is there, {whole['bytes'] / 1e6:.1f} MB"
            continue
        missing = [part["name"] for part in whole["parts"] if not (out / "parts" / part["name"]).is_file()]
        if missing:
            yield f"{whole['adapter']}: {len(missing)} of {len(whole['parts'])} parts have not come yet"
            continue
        join(whole, [out / "parts"], folder / WEIGHTS_FILE)
        (folder / WEIGHTS_FILE).chmod(0o644)
        shutil.copyfile(figures / whole["folder"] / CONFIG_FILE, folder / CONFIG_FILE)
        for part in whole["parts"]:
            (out / "parts" / part["name"]).unlink()
        yield f"{whole['adapter']}: whole, {whole['bytes'] / 1e6:.1f} MB"


def judge_all(out: Path, bundle: Path) -> str:
    """Judge the programs of all adapters and suites, and return the tables. Raises SuiteError, OSError."""
    from services.training.evaluation.metrics import measure
    from services.training.evaluation.suite import read_cases
    from services.training.evaluation.tables import comparisons, tables
    from services.training.gpu.parts import write_json

    files = sorted((out / "figures" / "programs").glob("*.json"))
    told = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    text: list[str] = []
    passed: dict[str, dict[str, Any]] = {}
    for suite in sorted({suite for one in told for suite in one["suites"]}):
        path = _HANDWRITTEN if suite == "handwritten" else _first_dataset(bundle)
        asked = {row["id"] for one in told for row in one["suites"].get(suite, [])}
        cases = [case for case in read_cases(path) if case.item.id in asked]
        answers = {
            one["candidate"]: _answers(out, one, suite, cases)
            for one in told
            if len(one["suites"].get(suite, [])) == len(cases)
        }
        metrics = {name: measure(cases, given) for name, given in answers.items()}
        text += [f"## {suite}", *(table.markdown() for table in tables(metrics, comparisons(answers)))]
        passed[suite] = {
            name: {"passed": one.passed.hits, "of": one.passed.of, "valid": one.valid.hits}
            for name, one in metrics.items()
        }
    write_json(out / "verdicts.json", passed)
    page = "\n\n".join(text)
    (out / "verdicts.md").write_text(page + "\n", encoding="utf-8")
    return page


def _answers(out: Path, told: dict[str, Any], suite: str, cases: Sequence[Any]) -> list[Any]:
    """The verdicts on one adapter's programs, kept in a file as they come."""
    from contextlib import nullcontext

    from services.training.evaluation.answers import answers_of
    from services.training.gpu.verdicts import answer_of

    written = {row["id"]: row for row in told["suites"][suite]}
    folder = out / "verdicts"
    folder.mkdir(exist_ok=True)
    return answers_of(
        cases,
        folder / f"{told['candidate']}-{told['sha256'][:8]}-{suite}.jsonl",
        lambda: nullcontext(lambda item: answer_of(item, written[item.id]["program"], bool(written[item.id]["ended"]))),
        lambda number, _: None,
    )


def _first_dataset(bundle: Path) -> Path:
    """The dataset that the bundle's test prompts are of. Raises PartProblem if it is another one now."""
    from services.training.gpu.pack import read_manifest
    from services.training.gpu.parts import PartProblem, sha256

    told = read_manifest(bundle)["datasets"][0]
    path = bundle / str(told["path"])
    if not path.is_file() or sha256(path) != told["sha256"]:
        raise PartProblem(f"{path} is not the dataset that the bundle was made of: make the bundle again.")
    return path


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/gpu/collect",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="that came back")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, metavar="FOLDER", help="(default: .gpu)")
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "gpu", help="(default: reports/gpu)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
