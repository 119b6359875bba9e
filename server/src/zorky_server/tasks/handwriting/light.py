"""Removes uneven light and paper colour, so that detector and recogniser always see white paper."""

import cv2
import numpy as np

from .values import Picture

_CELL = 8
"""The background is estimated on a grid of cells this many pixels wide: light changes slowly."""


def flatten_light(picture: Picture, ink_height: int) -> Picture:
    """Divides each channel by its local background.

    picture: (H, W, 3) uint8. ink_height: height in pixels of the tallest stroke that must count as ink and not as
    background (about one line of text). Returns the same shape and type with the paper near 255.
    """
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (max(1, width // _CELL), max(1, height // _CELL)), interpolation=cv2.INTER_AREA)
    reach = max(3, 2 * (ink_height // _CELL) + 1)
    paper = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    paper = np.maximum(cv2.blur(paper, (reach, reach)), 1)
    background = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(picture, background, scale=255), np.uint8)
