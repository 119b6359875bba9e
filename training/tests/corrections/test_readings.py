"""Kept readings, and when two quads are around the same line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from zorky_training.corrections.readings import is_same_place, read_lines

from .conftest import HEIGHT, LEFT, LETTER, PITCH, MakeReading, box


def test_a_reading_comes_back_line_by_line(make_reading: MakeReading) -> None:
    first, second = read_lines(make_reading([("два", 0.75), ("слова", 0.5)], "три"))
    assert (first.text, second.text) == ("два слова", "три")
    assert [word.confidence for word in first.words] == pytest.approx([0.75, 0.5])
    np.testing.assert_array_equal(second.quad, box(LEFT, PITCH, 3 * LETTER))
    assert (first.widest_gap, second.widest_gap) == (LETTER / HEIGHT, 0)


def test_a_reading_of_nothing_has_no_lines(make_reading: MakeReading) -> None:
    assert read_lines(make_reading()) == []


def test_what_newer_servers_add_to_a_reading_does_no_harm(make_reading: MakeReading) -> None:
    newer = json.loads(make_reading("слово")) | {"mood": "good"}
    assert [line.text for line in read_lines(json.dumps(newer))] == ["слово"]


def test_quads_that_share_most_of_the_smaller_are_around_the_same_line() -> None:
    line = box(0, 0, 300)
    assert is_same_place(line, box(100, 5, 150))
    assert is_same_place(line, box(-60, 15, 320))
    assert not is_same_place(line, box(0, 25, 300))
    assert not is_same_place(line, box(0, 100, 300))
    assert not is_same_place(line, line[[0, 2, 1, 3]])
