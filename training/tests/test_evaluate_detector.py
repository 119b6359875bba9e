"""Measuring detection: overlaps, pairs, scores, and the truth that is found from strips."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from zorky_server.tasks.handwriting.values import Quad
from zorky_training.evaluate_detector import Score, matches, overlap, strips


def box(left: float, top: float, right: float, bottom: float) -> Quad:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def test_overlap_of_halves_thirds_and_strangers() -> None:
    assert overlap(box(0, 0, 10, 10), box(0, 0, 10, 10)) == pytest.approx(1)
    assert overlap(box(0, 0, 10, 10), box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap(box(0, 0, 10, 10), box(20, 0, 30, 10)) == 0


def test_each_line_is_paired_once_with_its_best_match() -> None:
    truth = [box(0, 0, 100, 10), box(0, 20, 100, 30)]
    found = [box(0, 0, 60, 10), box(0, 0, 99, 10), box(0, 20, 45, 30)]
    assert matches(truth, found) == [pytest.approx(0.99)]
    assert matches([], found) == []


def test_a_score_counts_what_was_found_and_what_was_not_there() -> None:
    score = Score()
    score.add([box(0, 0, 100, 10), box(0, 20, 100, 30)], [box(0, 0, 100, 10)])
    score.add([], [box(0, 0, 100, 10)])
    summary = score.summary()
    assert (summary["lines"], summary["found"], summary["false"]) == (2, 1, 1)
    assert summary["recall"] == summary["precision"] == summary["f1"] == 0.5


def test_strips_are_found_on_their_page_and_tightened_to_their_ink(tmp_path: Path) -> None:
    page = np.full((600, 900, 3), 255, np.uint8)
    places = []
    for row, text in ((100, "alpha beta gamma"), (220, "delta"), (340, "epsilon zeta")):
        cv2.putText(page, text, (80, row + 40), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 4)
        dark = np.nonzero((page[row - 20 : row + 80] == 0).all(-1))
        places.append(box(dark[1].min(), dark[0].min() + row - 20, dark[1].max(), dark[0].max() + row - 20))
    for folder in ("pages", "lines"):
        (tmp_path / folder).mkdir()
    cv2.imwrite(str(tmp_path / "pages" / "p.jpg"), page, (cv2.IMWRITE_JPEG_QUALITY, 95))
    for number, row in enumerate((100, 220, 340)):
        strip = cv2.resize(page[row - 20 : row + 80], (720, 80), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(tmp_path / "lines" / f"p_{number:02d}.png"), strip)
    ((_, quads),) = strips(tmp_path)
    for quad, place in zip(quads, places, strict=True):
        assert overlap(quad, place) > 0.8
