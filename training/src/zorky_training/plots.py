"""The plots of the quality report, as small PNG files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

_SIZE = (5.2, 4.0)
_DPI = 90


def reliability_plot(path: Path, bins: Mapping[str, Sequence[tuple[float, float, int]]]) -> None:
    """bins: by the name of what was read, mean confidence, share right and count of each bin."""
    axes = _axes("confidence", "share of words that are right")
    axes.plot([0, 1], [0, 1], ":", color="grey", label="calibrated")
    for name, points in bins.items():
        confidence, right, counts = np.array(points).T
        (line,) = axes.plot(confidence, right, "-", label=name)
        axes.scatter(confidence, right, 6 + 60 * np.sqrt(counts / counts.sum()), color=line.get_color())
    axes.set(xlim=(0, 1), ylim=(0, 1))
    _save(axes, path)


def risk_plot(path: Path, curves: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """curves: by the name of what was read, share of the words that are kept and share of those that is wrong."""
    axes = _axes("share of words kept, most confident first", "share of them that is wrong")
    for name, points in curves.items():
        axes.plot(*np.array(points).T, label=name)
    axes.axhline(0.05, color="grey", linestyle=":", label="5 %")
    axes.set(xlim=(0, 1), ylim=(0, None))
    _save(axes, path)


def bars_plot(path: Path, rates: Mapping[str, Mapping[str, float]]) -> None:
    """rates: CER by system, then by set; drawn up to 1, beyond which more was written wrongly than was there."""
    axes, width = _axes("", "character error rate"), 0.8 / len(rates)
    sets = list(dict.fromkeys(name for by_set in rates.values() for name in by_set))
    for number, (system, by_set) in enumerate(rates.items()):
        places = [sets.index(name) + (number - (len(rates) - 1) / 2) * width for name in by_set]
        axes.bar(places, list(by_set.values()), width, label=system)
    axes.set_xticks(range(len(sets)), sets, rotation=30, ha="right")
    axes.set(ylim=(0, 1))
    _save(axes, path)


def _axes(x: str, y: str) -> Axes:
    axes = plt.figure(figsize=_SIZE).add_subplot()
    axes.set(xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _save(axes: Axes, path: Path) -> None:
    axes.legend(frameon=False, fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes are made with a figure"
    figure.set_layout_engine("tight")
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    plt.close(figure)
