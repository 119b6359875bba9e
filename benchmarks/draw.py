"""Tables as small SVG plots."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

_SIZE = (7.2, 4.2)
_WIDTH = 0.8
"""Of the bars of one group, where the next group is 1 away."""

Rows = Sequence[dict[str, Any]]

mpl.rcParams["svg.fonttype"] = "none"  # letters stay letters: a tenth of the size
mpl.rcParams["svg.hashsalt"] = "zorky"  # the same table gives the same file


def draw(path: Path, rows: Rows, kind: str, x: str, y: str, by: str) -> None:
    """Writes one plot; kind, x, y and by: see `running.Plot`. Rows without a value at y are left out."""
    figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
    axes.set(xlabel=x if kind == "lines" else "", ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    {"lines": _lines, "bars": _bars}[kind](axes, [row for row in rows if row[y] is not None], x, y, by)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def _lines(axes: Axes, rows: Rows, x: str, y: str, by: str) -> None:
    """A line each; what was measured in one place alone is a level."""
    for name in dict.fromkeys(row[by] for row in rows):
        points = [(row[x], row[y]) for row in rows if row[by] == name]
        if len(points) > 1:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
        else:
            axes.axhline(points[0][1], color="grey", linestyle=":" if name.endswith("batches") else "--", label=name)
    places = sorted({row[x] for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(places, [str(place) for place in places])
    axes.set_xticks([], minor=True)


def _bars(axes: Axes, rows: Rows, x: str, y: str, by: str) -> None:
    """A group of bars for each place, a bar for each name."""
    places, names = (list(dict.fromkeys(row[column] for row in rows)) for column in (x, by))
    width = _WIDTH / (1 if x == by else len(names))
    for number, name in enumerate(names):
        members = [row for row in rows if row[by] == name]
        aside = 0 if x == by else (number - (len(names) - 1) / 2) * width
        axes.bar([places.index(row[x]) + aside for row in members], [row[y] for row in members], width, label=str(name))
    axes.set_xticks(range(len(places)), [str(place) for place in places])
