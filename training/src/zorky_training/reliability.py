"""How far confidences can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
RESAMPLINGS = 1000
RISK = 0.05
"""The share of wrong words that `coverage` allows."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """Figures of confidences. right: share of right items."""

    items: int
    right: float
    ece: float
    """Expected calibration error over BINS equal bins (Guo et al. 2017)."""
    ece_interval: tuple[float, float]
    """95 % of bootstrap resamplings of whole pictures lie between; resampling adds a little error of its own."""
    auroc: float
    """Share of pairs of a right and a wrong item in which the right one has more confidence; nan without pairs."""
    coverage: float
    """The largest share of the items, most confident first, of which at most RISK are wrong."""


def reliability(confidence: Floats, right: Floats, pictures: NDArray[np.str_]) -> Reliability:
    """Figures of n confidences in [0, 1] with right (n) of 0 and 1, pictures (n): which items stand together."""
    return Reliability(
        len(right),
        float(right.mean()),
        expected_error(confidence, right),
        _interval(confidence, right, pictures),
        auroc(confidence, right),
        coverage(confidence, right),
    )


def expected_error(confidence: Floats, right: Floats) -> float:
    """Mean distance of confidence from the share that is right, bin by bin."""
    bins = _bins(confidence)
    return float(np.abs(np.bincount(bins, confidence - right, BINS)).sum() / len(right))


def auroc(confidence: Floats, right: Floats) -> float:
    """See Reliability."""
    good, bad = confidence[right == 1], np.sort(confidence[right == 0])
    if not len(good) or not len(bad):
        return float("nan")
    below = np.searchsorted(bad, good, "left") + np.searchsorted(bad, good, "right")  # equal ones count by half
    return float(below.mean() / 2 / len(bad))


def risk_curve(confidence: Floats, right: Floats) -> Floats:
    """Share of wrong items among the k most confident, for k = 1 … n."""
    order = np.argsort(-confidence, kind="stable")
    return np.asarray(np.cumsum(1 - right[order]) / np.arange(1, len(right) + 1), np.float64)


def coverage(confidence: Floats, right: Floats) -> float:
    """See Reliability."""
    within = np.flatnonzero(risk_curve(confidence, right) <= RISK)
    return float(within[-1] + 1) / len(right) if len(within) else 0.0


def bins(confidence: Floats, right: Floats) -> list[tuple[float, float, int]]:
    """Mean confidence, share right and count of each bin that is not empty: the points of a reliability plot."""
    inside = _bins(confidence)
    found = [inside == b for b in range(BINS)]
    return [(float(confidence[b].mean()), float(right[b].mean()), int(b.sum())) for b in found if b.any()]


def _bins(confidence: Floats) -> NDArray[np.int64]:
    return np.minimum((confidence * BINS).astype(np.int64), BINS - 1)


def _interval(confidence: Floats, right: Floats, pictures: NDArray[np.str_]) -> tuple[float, float]:
    """Percentile bootstrap of the expected error: pictures are drawn, because words of one picture are alike."""
    rng = np.random.default_rng(0)
    names, inverse = np.unique(pictures, return_inverse=True)
    gaps = np.zeros((len(names), BINS))
    np.add.at(gaps, (inverse, _bins(confidence)), confidence - right)
    counts = np.bincount(inverse)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLINGS)
    errors = np.abs(drawn @ gaps).sum(axis=1) / (drawn @ counts)
    low, high = np.percentile(errors, (2.5, 97.5))
    return float(low), float(high)
