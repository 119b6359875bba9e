"""Formats are compared fairly: in turn, and by the errors that they make."""

import itertools

import numpy as np
import pytest

from zorky_training.charset import encode
from zorky_training.formats import cer, milliseconds

pytestmark = pytest.mark.torch


def frames(text: str) -> np.ndarray:
    """Steps that say the text for certain, each letter followed by a blank."""
    classes = [step for code in encode(text) for step in (code, 0)]
    return np.eye(200, dtype=np.float32)[classes]


def test_errors_are_counted_over_all_lines_together() -> None:
    assert cer(["мама", "мыла раму"], [frames("мама"), frames("мыла раму")]) == 0
    assert cer(["мама", "мыла раму"], [frames("мана"), frames("мыла раму")]) == pytest.approx(1 / 13)


def test_times_are_medians_of_calls_in_turn() -> None:
    called: list[str] = []
    ticks = itertools.count()
    taken = milliseconds({name: lambda name=name: called.append(name) for name in "ab"}, lambda: float(next(ticks)))
    assert taken == {"a": 1000.0, "b": 1000.0}
    assert called[2:6] == ["a", "b", "a", "b"]
