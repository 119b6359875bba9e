"""The centre line of a drawn letter, as the path of a pen: thinned by Zhang and Suen (1984), then followed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .ink import Mask, Points

_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
"""The eight neighbours (row, column), clockwise from the one above: bit n of a code is neighbour n."""
_Pixel = tuple[int, int]


def _deletable(first: bool) -> Mask:
    """For each code of neighbours 255 where the pixel in their middle may go in the first or the second half-step."""
    table = np.zeros(256, np.uint8)
    for code in range(256):
        bits = [code >> n & 1 for n in range(8)]
        turns = sum(bits[n] < bits[(n + 1) % 8] for n in range(8))
        up, right, down, left = bits[0::2]
        open_ = not (right and down and (up or left)) if first else not (up and left and (right or down))
        table[code] = 255 * (2 <= sum(bits) <= 6 and turns == 1 and open_)
    return table


_TABLES = _deletable(True), _deletable(False)
_CODES = np.zeros((3, 3), np.float32)
for _bit, (_row, _column) in enumerate(_AROUND):
    _CODES[_row + 1, _column + 1] = 1 << _bit


def thinned(mask: Mask) -> Mask:
    """What is left of ink (H, W, over 127) when it is peeled to lines one pixel wide: 1 there, 0 elsewhere."""
    thin = (mask > 127).astype(np.uint8)
    peeled = True
    while peeled:
        peeled = False
        for table in _TABLES:
            codes = cv2.filter2D(thin, -1, _CODES, borderType=cv2.BORDER_CONSTANT)
            gone = cv2.bitwise_and(cv2.LUT(codes, table), thin * np.uint8(255))
            if gone.any():
                thin[gone > 0] = 0
                peeled = True
    return _with_dots(thin, mask)


def _with_dots(thin: Mask, mask: Mask) -> Mask:
    """Gives a blot back its middle where even the last four pixels, a square, were peeled off."""
    count, blots, _, middles = cv2.connectedComponentsWithStats((mask > 127).astype(np.uint8))
    for blot in set(range(1, count)) - set(np.unique(blots[thin > 0]).tolist()):
        column, row = middles[blot].astype(int).tolist()
        thin[row, column] = 1
    return thin


def paths(thin: Mask, least: float) -> list[Points]:
    """The lines of a thinned mask as paths (N, 2) of x and y in pixels; spurs shorter than `least` pixels are left out.

    A spur runs from a crossing to a free end: thinning leaves one at each corner.
    """
    rows, columns = np.nonzero(thin)
    pixels = set(zip(rows.tolist(), columns.tolist(), strict=True))
    near = {pixel: _neighbours(pixel, pixels) for pixel in pixels}
    found = [[pixel] for pixel, beside in near.items() if not beside]
    for start in sorted(pixels, key=lambda pixel: (len(near[pixel]) == 2, pixel)):
        while near[start]:
            found.append(_followed(start, near[start][0], near))
    crossings = _crossings(thin)
    kept = [path for path in found if not _is_spur(path, crossings, least)] or found
    return [np.array(path, np.float32)[:, ::-1] for path in kept]


def _neighbours(pixel: _Pixel, pixels: set[_Pixel]) -> list[_Pixel]:
    """Those beside it, and those diagonal to it that no pixel beside both of them leads to."""
    row, column = pixel
    beside = [(row + down, column + right) for down, right in _AROUND[0::2] if (row + down, column + right) in pixels]
    return beside + [
        (row + down, column + right)
        for down, right in _AROUND[1::2]
        if (row + down, column + right) in pixels
        and (row + down, column) not in pixels
        and (row, column + right) not in pixels
    ]


def _followed(start: _Pixel, step: _Pixel, near: dict[_Pixel, list[_Pixel]]) -> list[_Pixel]:
    """Takes a line out of the graph, from `start` over `step` as far as no other line meets it."""
    path = [start]
    while True:
        before = path[-1]
        near[before].remove(step)
        ends = len(near[step]) != 2
        near[step].remove(before)
        path.append(step)
        if ends or not near[step]:
            return path
        step = near[step][0]


def _crossings(thin: Mask) -> NDArray[np.bool_]:
    """Where at least three lines meet, a pixel around included."""
    count = cv2.filter2D(thin, -1, np.ones((3, 3), np.float32), borderType=cv2.BORDER_CONSTANT)
    meeting = ((count > 3) & (thin > 0)).astype(np.uint8)
    return np.asarray(cv2.dilate(meeting, np.ones((3, 3), np.uint8)) > 0)


def _is_spur(path: list[_Pixel], crossings: NDArray[np.bool_], least: float) -> bool:
    return len(path) < least and bool(crossings[path[0]]) != bool(crossings[path[-1]])
