"""Flattening leaves ink and takes shadow and paper colour away."""

import cv2
import numpy as np

from zorky_server.tasks.handwriting.light import flatten_light


def test_paper_in_shadow_and_colour_becomes_white_and_ink_stays_dark() -> None:
    page = np.full((200, 400, 3), 255, np.uint8)
    cv2.putText(page, "Ink", (60, 130), cv2.FONT_HERSHEY_SIMPLEX, 3, (40, 30, 30), 5, cv2.LINE_AA)
    ink = page[:, :, 0] < 100
    shadow = np.linspace(1.0, 0.35, 400)[np.newaxis, :, np.newaxis] * np.array([0.95, 0.85, 0.6])
    flat = flatten_light((page * shadow).astype(np.uint8), ink_height=80)
    assert flat[page[:, :, 0] == 255].min() > 170
    assert np.median(flat[ink]) < 90


def test_tiny_and_black_pictures_pass() -> None:
    for shape in ((1, 1, 3), (48, 8, 3), (3, 900, 3)):
        assert flatten_light(np.zeros(shape, np.uint8), ink_height=48).shape == shape
