"""The web UI of the load test, over HTTP and in a real browser: a run begun from its form, compared while it runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from loadtest.processes import ROOT, Program
from loadtest.records import read_records
from services.embedded.ports import port_of, reserve_port
from tests.load.conftest import FAST, NARROW, environ

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: What the tab shows in its columns, by their place.
NAME, COMPLETED, FAILED, GOODPUT, TTFT, TTFA = 0, 1, 3, 6, 8, 9

#: JavaScript: the labels of the lines that Bokeh draws, by the chart's title.
LINES = """() => Object.fromEntries([...Bokeh.documents[0]._all_models.values()]
    .filter(model => model.type == "Figure")
    .map(plot => [plot.title.text, plot.renderers[0].data_source.data.label]))"""
#: JavaScript: how many canvases have a dot in the colour of the first backend's lines.
COLOURED = """canvases => canvases.filter(canvas => {
    const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 0; i < dots.length; i += 4)
        if (dots[i] == 0x00 && dots[i + 1] == 0x72 && dots[i + 2] == 0xb2 && dots[i + 3] == 0xff) return true;
}).length"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the runs of the web UI are recorded."""
    return tmp_path_factory.mktemp("web-ui") / "records.jsonl"


@pytest.fixture(scope="module")
def web_ui(engine_url: str, records: Path) -> Iterator[str]:
    """Address of a web UI, which loads that engine."""
    with reserve_port() as holder:
        port = port_of(holder)
    command = [sys.executable, "-m", "loadtest.traffic", "--host", engine_url, "--web-port", str(port)]
    with Program("the load test", [*command, "--records", str(records)], environ()) as program:
        program.wait_until_ok(f"http://127.0.0.1:{port}/", 30)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(web_ui: str) -> Iterator[Page]:
    """The web UI in a browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(15_000)
        page.goto(web_ui)
        yield page
        browser.close()


def form(**fields: str) -> dict[str, str]:
    return {"user_count": "2", "spawn_rate": "2", "run_time": "1s", **fields}


def test_a_run_begun_in_the_browser_is_compared_there(page: Page, web_ui: str, records: Path) -> None:
    page.locator("input[name=userCount]").fill("4")
    page.locator("input[name=spawnRate]").fill("4")
    page.get_by_text("Advanced options").click()
    page.locator("input[name=runTime]").fill("10s")
    page.get_by_text("Custom parameters").click()
    page.locator("select[name=backend]").select_option(["tgi", FAST])
    page.locator("select[name=mix]").select_option("short")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("The router knows no backend tgi; it has: ")).to_be_visible()

    page.locator("select[name=backend]").select_option([NARROW, FAST])
    page.get_by_role("button", name="Start").click()
    page.get_by_role("tab", name="Backends").click()
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1).locator("td").nth(COMPLETED)).not_to_have_text("0")
    for row, backend, ttft_ms in ((rows.nth(0), FAST, 50), (rows.nth(1), NARROW, 150)):
        cells = row.locator("td").all_inner_texts()
        assert cells[NAME] == backend
        assert cells[FAILED] == "0"
        assert float(cells[GOODPUT]) > 0
        assert float(cells[TTFT].split(" / ")[0]) >= ttft_ms
        assert float(cells[TTFA].split(" / ")[0]) > float(cells[TTFT].split(" / ")[0])

    with page.expect_popup() as popup:
        page.get_by_role("link", name="Charts of the backends").click()
    charts = popup.value
    charts.wait_for_function(f"(({LINES})()['Time to first token, ms'] ?? []).length == 4")
    shown = charts.evaluate(LINES)
    assert shown["Time to first action, ms"] == [f"{FAST} p50", f"{FAST} p95", f"{NARROW} p50", f"{NARROW} p95"]
    assert shown["Goodput: requests that met every objective, a second"] == [FAST, NARROW]
    assert shown["Inter-token latency, ms"] == []  # the durable door has none
    assert charts.locator("canvas").evaluate_all(COLOURED) > 0, "no line is drawn"
    page.get_by_role("tab", name="Statistics").click()
    expect(page.get_by_role("cell", name="TTFA").first).to_be_visible()
    expect(page.get_by_text(re.compile("^stopped$", re.IGNORECASE))).to_be_visible(timeout=15_000)
    assert {record.backend for record in read_records(records)} == {FAST, NARROW}


def test_the_form_says_what_is_wrong(web_ui: str) -> None:
    for fields, said in (
        (form(host="http://127.0.0.1:1"), "No engine answers at http://127.0.0.1:1"),
        (form(host="nonsense"), "'nonsense' is no address of an engine"),
        (form(timeout_s="soon"), "--timeout-s: Input should be a valid number"),
        (form(backend="nobody"), "The router knows no backend nobody"),
        (form(arrivals="replay"), "--trace: replaying needs a file"),
    ):
        answer = httpx.post(f"{web_ui}/swarm", data=fields, timeout=20).json()
        assert not answer["success"]
        assert answer["message"].startswith(said), answer


def test_strangers_are_refused(web_ui: str) -> None:
    assert httpx.get(web_ui, headers={"Host": "evil.example"}).status_code == httpx.codes.FORBIDDEN
    answer = httpx.post(f"{web_ui}/swarm", data=form(), headers={"Origin": "http://evil.example"})
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert httpx.get(web_ui, headers={"Origin": web_ui}).status_code == httpx.codes.OK


def test_an_unknown_chart_is_not_found(web_ui: str) -> None:
    assert httpx.get(f"{web_ui}/backends/ttft").json()["xs"] is not None
    assert httpx.get(f"{web_ui}/backends/nothing").status_code == httpx.codes.NOT_FOUND


def test_the_script_teaches_before_anything_is_installed(tmp_path: Path) -> None:
    help_text = subprocess.run(
        [ROOT / "scripts" / "loadtest", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True
    ).stdout
    assert "scripts/loadtest --headless" in help_text
