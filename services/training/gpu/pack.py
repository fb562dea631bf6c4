"""``python -m services.training.gpu.pack``: what the GPU machine needs, in parts. Run it as scripts/gpu/pack."""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.training.dataset.place import PAIRS
from services.training.gpu.place import BASE, BUNDLE, MANIFEST, PROMPTS_FILE, ROOT, TOKENS_FILE, WHEELS

_DESCRIPTION = """\
Makes the bundle that a GPU machine without network needs beside this repository: the packaged base model, the training
pairs in tokens, prompts to write programs for, and the Python packages that such a machine lacks. It needs no GPU.
"""
_EXAMPLES = """\
examples:
  scripts/gpu/pack                             the whole; its pairs take three times as long as scripts/dataset
  scripts/gpu/pack --pairs 2000 --seeds 1      fewer pairs
  scripts/gpu/pack --part-mib 40               in smaller parts

It writes manifest.json and bundle.tar.000 and so on to the folder --out, which git ignores, and keeps the pairs of each
seed in datasets/ there: remove that to have them made anew after a change of the generator.
exit status: 0 done; 1 it cannot be done, and standard error says why; 2 wrong usage.
"""
_HANDWRITTEN = ROOT / "services" / "training" / "data" / "handwritten.jsonl"
_MIB = 2**20


@dataclass(frozen=True)
class Options:
    """Of a bundle."""

    out: Path
    model: Path
    pairs: int
    seeds: tuple[int, ...]
    test_prompts: int
    part_mib: float
    wheels: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Make the bundle."""
    options = _parse(argv)
    # Here, because --help has to work where nothing is installed.
    from services.training.gpu.wheels import WheelProblem

    try:
        told = pack(options)
    except (WheelProblem, OSError) as problem:
        print(f"pack: {problem}", file=sys.stderr)
        return 1
    sizes = ", ".join(f"{part['name']} {part['bytes'] / _MIB:.1f} MiB" for part in told["bundle"]["parts"])
    print(
        f"{told['training_pairs']} pairs to train on, {told['validation_pairs']} to validate with.\n"
        f"Bring this repository to the GPU machine and, to its folder {options.out.name}: {MANIFEST}, {sizes}.\n"
        "There: scripts/gpu/run --minutes 25 --out .gpu/out --send .gpu/send\n"
        "Bring back what is in .gpu/send; here: scripts/gpu/collect FOLDER",
        file=sys.stderr,
    )
    return 0


def pack(options: Options) -> dict[str, Any]:
    """Make the bundle and return its manifest. Raises WheelProblem, OSError."""
    from services.engines.llamacpp.settings import packaged_model
    from services.training.gpu.parts import sha256, split, write_json
    from services.training.gpu.prompts import tokens_and_prompts
    from services.training.gpu.wheels import download
    from services.training.machine import commit

    datasets = [_dataset(options, seed) for seed in options.seeds]
    with tempfile.TemporaryDirectory(dir=options.out) as place:
        content = Path(place)
        counts = tokens_and_prompts(
            options.model, datasets, _HANDWRITTEN, options.test_prompts, content / TOKENS_FILE, content / PROMPTS_FILE
        )
        if options.wheels:
            download(content / WHEELS)
        archive = content / "bundle.tar"
        files = sorted([packaged_model(), *(path for path in content.rglob("*") if path.is_file())])
        with tarfile.open(archive, "w") as tar:
            for file in files:
                inside = file.relative_to(content) if file.is_relative_to(content) else Path("model.gguf")
                tar.add(file, inside.as_posix())
        told = {
            "commit": commit(),
            "base": BASE,
            "model_sha256": sha256(packaged_model()),
            "seeds": options.seeds,
            "datasets": [{"path": str(path.relative_to(options.out)), "sha256": sha256(path)} for path in datasets],
            **counts,
            "bundle": split(archive, options.out, int(options.part_mib * _MIB)),
        }
    write_json(options.out / MANIFEST, told)
    return told


def _dataset(options: Options, seed: int) -> Path:
    """The pairs of a seed, made if they are not there."""
    from services.training.dataset.files import make
    from services.training.dataset.place import DATASET

    folder = options.out / "datasets" / f"seed-{seed}-{options.pairs}"
    if (folder / DATASET).exists():
        print(f"The pairs in {folder} are there.", file=sys.stderr)
    else:
        print(f"Making the pairs of seed {seed} …", file=sys.stderr)
        make(folder, options.pairs, seed, processes=2)
    return folder / DATASET


def _parse(argv: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="scripts/gpu/pack",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=BUNDLE, metavar="FOLDER", help="of the bundle (default: .gpu)")
    parser.add_argument(
        "--model", type=Path, default=ROOT / ".venvs" / "model", metavar="FOLDER",
        help="the unpacked base model, for its tokenizer (default: .venvs/model)",
    )  # fmt: skip
    parser.add_argument("--pairs", type=int, default=PAIRS, help="made of each seed (default: %(default)s)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3], help="(default: 1 2 3)")
    parser.add_argument(
        "--test-prompts", type=int, default=500, help="drawn from the test split of the first (default: %(default)s)"
    )
    parser.add_argument("--part-mib", type=float, default=60, help="size of a part at most (default: %(default)s)")
    parser.add_argument(
        "--without-wheels", action="store_true", help="for a machine with the packages of scripts/finetune"
    )
    given = parser.parse_args(argv)
    if given.pairs < 1 or given.test_prompts < 1 or given.part_mib * _MIB < 1:
        parser.error("--pairs, --test-prompts and --part-mib are more than 0")
    if not (given.model / "config.json").is_file():
        parser.error(f"there is no model in {given.model}: scripts/engines-environment training makes it")
    given.out.mkdir(parents=True, exist_ok=True)
    return Options(
        out=given.out.resolve(),
        model=given.model,
        pairs=given.pairs,
        seeds=tuple(given.seeds),
        test_prompts=given.test_prompts,
        part_mib=given.part_mib,
        wheels=not given.without_wheels,
    )


def read_manifest(bundle: Path) -> dict[str, Any]:
    """What is in a bundle. Raises OSError, ValueError."""
    told: dict[str, Any] = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    return told


if __name__ == "__main__":
    sys.exit(main())
