"""The page of charts: Bokeh draws them in the browser, and asks for new data every two seconds."""

from __future__ import annotations

from functools import cache
from typing import Any

from bokeh.embed import file_html
from bokeh.layouts import gridplot
from bokeh.models import AjaxDataSource, DataRange1d, HoverTool
from bokeh.palettes import Colorblind8
from bokeh.plotting import figure
from bokeh.resources import INLINE

from loadtest.traffic.history import EVERY_S, RATES, TIMES, History

#: Charts by their name in an address.
CHARTS = {metric.lower().replace(" ", "-"): (metric, title) for metric, title in {**TIMES, **RATES}.items()}
_COLUMNS = ("xs", "ys", "label", "color", "dash")


@cache
def page() -> str:
    """The page, which is the same for all runs; Bokeh's own script is in it, so that nothing comes from elsewhere."""
    figures = [_figure(name, title) for name, (_, title) in CHARTS.items()]
    grid = gridplot(figures, ncols=2, sizing_mode="stretch_width", toolbar_location="right")
    return file_html(grid, INLINE, "Load test: charts of the backends")


def data(history: History, chart: str) -> dict[str, list[Any]]:
    """The lines of a chart as columns: times in ms since the epoch, values, label, colour and dash of each."""
    columns: dict[str, list[Any]] = {column: [] for column in _COLUMNS}
    metric, _ = CHARTS[chart]
    lines = {key[1:]: line for key, line in sorted(history.lines.items()) if key[0] == metric}
    backends = sorted({backend for _, backend, _ in history.lines})
    for (backend, name), line in lines.items():
        columns["xs"].append([1000 * at_s for at_s in line.at_s])
        columns["ys"].append(line.values)
        columns["label"].append(f"{backend} {name}".strip())
        columns["color"].append(Colorblind8[backends.index(backend) % len(Colorblind8)])
        columns["dash"].append([] if name != "p95" else [6, 4])
    return columns


def _figure(name: str, title: str) -> Any:
    source = AjaxDataSource(
        data_url=f"./backends/{name}",
        method="GET",
        polling_interval=round(1000 * EVERY_S),
        mode="replace",
        data={column: [] for column in _COLUMNS},
    )
    plot = figure(
        title=title, x_axis_type="datetime", height=260, y_range=DataRange1d(start=0), tools="pan,wheel_zoom,reset,save"
    )
    plot.multi_line("xs", "ys", source=source, color="color", line_dash="dash", line_width=2, legend_field="label")
    plot.add_tools(HoverTool(tooltips=[("", "@label"), ("", "$data_y")]))
    plot.add_layout(plot.legend[0], "right")  # where it covers no line
    return plot
