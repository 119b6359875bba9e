"""From the crop of one line to the recogniser's input. Training and serving share it, so both see the same pixels."""

from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from .light import flatten_light
from .values import Picture

HEIGHT = 48
"""Pixels: the height the recogniser was built for."""
MAX_WIDTH = 2048
"""Pixels: longer lines are squeezed to this width."""
WIDTH_STEP = 64
"""Pixels: widths are padded up to a multiple of it, so that lines of like length share a batch and a memory plan."""
STRIDE = 4
"""Pixels of strip width for one step of the recogniser's output."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a recogniser looks at strips; Zorky's own does it so."""

    height: int = HEIGHT
    stride: int = STRIDE


_CHALK_CONTRAST = 40
"""Grey levels by which light writing is lighter than the board at least."""
_STROKES = 0.02
"""Part of a strip's pixels that the middles of its strokes take at least."""


def strip_from_crop(crop: Picture, geometry: Geometry = Geometry()) -> Picture:
    """Scales the crop of a line, (H, W, 3) RGB uint8, and flattens its light: (height, w, 3), w <= MAX_WIDTH."""
    height, width = crop.shape[:2]
    target = min(MAX_WIDTH, max(geometry.stride, round(width * geometry.height / height)))
    shrinks = height > geometry.height or width > target
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    scaled = cv2.resize(crop, (target, geometry.height), interpolation=interpolation)
    return flatten_light(_dark_on_light(np.asarray(scaled, np.uint8)), ink_height=geometry.height)


def _dark_on_light(strip: Picture) -> Picture:
    """Inverts chalk on a blackboard: there the strokes are lighter than what is around them.

    Compared with a blurred copy, because shadows and bright spots change the light of both strokes and ground.
    """
    grey = cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY)
    around = cv2.blur(grey, (len(grey), len(grey)))
    lighter = _strongest(cv2.subtract(grey, around))
    is_chalk = lighter > _CHALK_CONTRAST and lighter > 2 * _strongest(cv2.subtract(around, grey))
    return 255 - strip if is_chalk else strip


def _strongest(difference: MatLike) -> int:
    """The grey levels that all but _STROKES of the pixels stay within. difference: (H, W) uint8."""
    counts = cv2.calcHist([difference], [0], None, [256], [0, 256])
    return int(np.searchsorted(counts.ravel().cumsum(), (1 - _STROKES) * difference.size))


def padded_width(width: int) -> int:
    """The bucket of a strip `width` pixels wide: the next multiple of WIDTH_STEP."""
    return -(-width // WIDTH_STEP) * WIDTH_STEP


def strip_tensor(strip: Picture, width: int) -> NDArray[np.float32]:
    """The network's input (3, height, width): RGB in [-1, 1], white paper (1.0) to the right of the strip."""
    tensor = np.ones((3, len(strip), width), np.float32)
    tensor[:, :, : strip.shape[1]] = strip.transpose(2, 0, 1) * np.float32(2 / 255) - 1
    return tensor
