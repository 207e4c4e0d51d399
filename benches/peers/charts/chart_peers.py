"""The peers' side of the race of charts, run in a cell: `await race("bokeh", charts=1, points=1000)`.

Each peer draws charts of five lines over the time at which a row was made, one row a line every 100 ms, in the way its own
documentation gives for live data, and the cheaper one where there are two. History first, so that a chart is full when it starts.
"""
import asyncio
import math
import time
from collections import deque

SERIES = 5
TICK_S = 0.1


def rows_at(at):
    return [{"k": f"k{i}", "at": at, "n": math.sin(at / 900 + i) * 50 + 60} for i in range(SERIES)]


def history(points):
    now = int(time.time() * 1000)
    ticks = points // SERIES
    return [row for tick in range(ticks, 0, -1) for row in rows_at(now - tick * 100)]


# The label of the time axis is the newest time itself: by it the page's probe knows which rows a picture of Vega shows.
NEWEST = {"values": {"expr": "[domain('x')[1]]"}, "labelExpr": "'' + datum.value", "grid": False}
SPEC = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "width": 700,
    "height": 240,
    "data": {"name": "rows"},
    "mark": {"type": "line", "strokeWidth": 2},
    "encoding": {
        "x": {"field": "at", "type": "quantitative", "scale": {"nice": False, "zero": False}, "axis": NEWEST},
        "y": {"field": "n", "type": "quantitative", "scale": {"zero": False}},
        "color": {"field": "k", "type": "nominal"},
    },
}


class Whole:
    """Peers that are given all rows each time."""

    def __init__(self, points):
        self.rows = deque(history(points), maxlen=points)
        self.show([*self.rows])

    def push(self, rows):
        self.rows.extend(rows)
        self.update([*self.rows])


class JupyterLabVega(Whole):
    """JupyterLab's own renderer through update_display_data."""

    def bundle(self, rows):
        spec = {**SPEC, "data": {"values": rows}}
        return {"application/vnd.vegalite.v5+json": spec, "text/plain": "a chart"}

    def show(self, rows):
        from IPython.display import display

        self.handle = display(self.bundle(rows), raw=True, display_id=True)

    def update(self, rows):
        self.handle.update(self.bundle(rows), raw=True)


class Altair(Whole):
    """JupyterChart has no way to send rows alone: its spec is set anew, without Altair's own checking of it."""

    def show(self, rows):
        import altair
        from IPython.display import display

        altair.JupyterChart.enable_offline()
        chart = altair.Chart.from_dict({**SPEC, "data": {"values": rows}})
        self.chart = altair.JupyterChart(chart, embed_options={"renderer": "canvas", "actions": False})
        display(self.chart)

    def update(self, rows):
        self.chart.spec = {**SPEC, "data": {"values": rows}}


class Plotly(Whole):
    def lines(self, rows):
        import numpy as np

        at = np.array([row["at"] for row in rows[::SERIES]], dtype="float64")
        n = np.array([row["n"] for row in rows], dtype="float64").reshape(-1, SERIES)
        return at, n

    def show(self, rows):
        import plotly.graph_objects as go
        from IPython.display import display

        at, n = self.lines(rows)
        traces = [go.Scatter(x=at, y=n[:, i], mode="lines", name=f"k{i}") for i in range(SERIES)]
        self.figure = go.FigureWidget(traces, layout={"width": 800, "height": 300, "margin": {"t": 10, "b": 30}})
        display(self.figure)

    def update(self, rows):
        at, n = self.lines(rows)
        with self.figure.batch_update():
            for i, trace in enumerate(self.figure.data):
                trace.x = at
                trace.y = n[:, i]


class Bokeh:
    """Appends through a ColumnDataSource with a rollover, in the widget that jupyter_bokeh gives."""

    def __init__(self, points):
        from bokeh.io import output_notebook
        from bokeh.models import ColumnDataSource
        from bokeh.palettes import Category10
        from bokeh.plotting import figure
        from IPython.display import display
        from jupyter_bokeh.widgets import BokehModel

        if not Bokeh.loaded:
            from bokeh.resources import INLINE

            output_notebook(INLINE, hide_banner=True)
            Bokeh.loaded = True
        self.kept = points // SERIES
        rows = history(points)
        columns = {"at": [row["at"] for row in rows[::SERIES]]}
        columns |= {f"k{i}": [row["n"] for row in rows[i::SERIES]] for i in range(SERIES)}
        self.source = ColumnDataSource(columns)
        plot = figure(width=800, height=300, tools="", toolbar_location=None)
        for i in range(SERIES):
            plot.line("at", f"k{i}", source=self.source, color=Category10[10][i], line_width=2)
        display(BokehModel(plot, combine_events=True))

    loaded = False

    def push(self, rows):
        new = {"at": [rows[0]["at"]]} | {row["k"]: [row["n"]] for row in rows}
        self.source.stream(new, rollover=self.kept)


class Perspective:
    """A table with a limit in the kernel, the viewer asks for what it shows."""

    def __init__(self, points):
        import perspective
        from IPython.display import display
        from perspective.widget import PerspectiveWidget

        self.table = perspective.table({"k": "string", "at": "datetime", "n": "float"}, limit=points)
        self.table.update(history(points))
        display(PerspectiveWidget(self.table, plugin="X/Y Line", columns=["at", "n"], split_by=["k"], settings=False))

    def push(self, rows):
        self.table.update(rows)


class Bare:
    """The bare changeset widget of extension/page, as an anywidget: new rows in, as many old ones out."""

    def __init__(self, points):
        import os

        import anywidget
        from IPython.display import display
        from traitlets import List

        class Widget(anywidget.AnyWidget):
            _esm = open(os.environ["BARE_WIDGET"], encoding="utf8").read()
            rows = List().tag(sync=True)

        self.widget = Widget(rows=history(points))
        display(self.widget)

    def push(self, rows):
        self.widget.send(rows)


PEERS = {
    "bare": Bare,
    "jupyterlab-vega": JupyterLabVega,
    "altair": Altair,
    "bokeh": Bokeh,
    "plotly": Plotly,
    "perspective": Perspective,
}


async def race(peer, charts, points):
    """Shows the charts and goes on in the background, as long as the kernel lives."""
    shown = [PEERS[peer](points) for _ in range(charts)]

    async def tick():
        due = time.monotonic()
        while True:
            due += TICK_S
            await asyncio.sleep(max(0, due - time.monotonic()))
            rows = rows_at(int(time.time() * 1000))
            for chart in shown:
                chart.push(rows)

    # Kept by name: asyncio forgets tasks that nobody holds.
    race.task = asyncio.get_running_loop().create_task(tick())
