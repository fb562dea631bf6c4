from __future__ import annotations

import pytest

from services.behavior.catalogue import Catalogue, load_catalogue, robots
from services.behavior.document import FOLDER, document


@pytest.mark.parametrize("name", robots())
def test_the_committed_page_is_up_to_date(name: str) -> None:
    page = FOLDER.joinpath(f"{name}.md").read_text("utf-8")
    assert page == document(load_catalogue(name)), "run: python -m services.behavior.document"


def test_there_is_no_page_of_a_robot_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == set(robots())


@pytest.mark.parametrize("name", robots())
def test_a_page_has_all_that_is_called_named_and_denied(name: str) -> None:
    robot = load_catalogue(name)
    lines = document(robot).splitlines()
    for service, method in robot.calls:
        section = lines[lines.index(f"## {service}") :]
        call = f"| `{method.name}({', '.join(argument.name for argument in method.args)})`"
        (row, *_) = [line for line in section if line.startswith(call) and method.doc.rstrip(".") in line]
        assert f" | {method.effect} | " in row
    for known in (*robot.enums, *robot.joints, *robot.chains, *robot.deny):
        assert any(line.startswith(f"| `{known}` | ") for line in lines), known
    columns = {line.replace("\\|", "").count("|") for line in lines if line.startswith("| ")}
    assert columns <= {3, 4, 5}


def test_what_a_page_says_of_a_call(catalogue: Catalogue) -> None:
    page = document(catalogue)
    assert (
        "| `goToPosture(posture, speed)` → `bool` | Go to a posture and wait; true if it was reached. "
        "`posture`: a name of `posture`. `speed`: 0.1 to 1. Leads to motors on. "
        "Leads to the posture family of `posture`. | posture | 10 s / `speed` |\n"
    ) in page
    assert "| `getPostureList()` → list of `posture` |" in page
    assert "| the joints' way, beside the rest |" in page
    assert "| \\|HeadYaw\\| | HeadPitch |" in page
    assert "| Switches the motors on, for the suggestion to a program that forgot it. | `ALMotion.wakeUp()` |" in page
