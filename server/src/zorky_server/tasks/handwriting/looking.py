"""Where the lines of a page are: seen at a glance, or by a closer look, or from further away."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from .detector import LONGEST_SIDE, MAX_ENLARGEMENT, TextLine, detector_input, lines_from_map
from .lines import mostly_vertical, side_lengths
from .values import Ask, ModelCall, Outputs, Picture

SIDES = (640, 768, LONGEST_SIDE)
"""Pixels: where the longer side of a page is scaled to, at a glance and for closer looks. A glance takes a third of the
closest look's time, and most pages that people photograph need no other."""
_FAR_SIDE = 320
"""Pixels: where nothing clear is found, the page is looked at again from further away. A single word that fills the
picture is too large to be seen at full scale, or falls to pieces."""
_PLAIN = 0.87
"""Clarity of a look that a closer one would bear out."""
_PLAIN_HEIGHT = 20.0
"""Pixels at detector scale: nine tenths of the text are as high in such a look. Both were chosen on 16 real and 64
drawn pages."""
_CLEAR = 0.8
"""Clarity of what is taken for text: real pages reach 0.88 and more, pieces of large letters 0.72."""


def lines_of(picture: Picture) -> Generator[Ask, Outputs, list[TextLine]]:
    """The lines of text in a picture, in no particular order. Yields what the detector shall run.

    A page that lies on its side is seen at a glance alone: it is to be turned before it is looked at closer.
    """
    glance = look = yield from _look(picture, SIDES[0])
    while look.side < LONGEST_SIDE and look.scale < MAX_ENLARGEMENT and not look.is_enough:
        look = yield from _look(picture, look.closer_side)
    if look.clarity < _CLEAR:
        look = max(glance, look, (yield from _look(picture, _FAR_SIDE)), key=lambda one: one.clarity)
    return look.lines


@dataclass(frozen=True, slots=True)
class _Look:
    """The lines found in a picture, in its pixels. scale: detector pixels for one of them."""

    lines: list[TextLine]
    side: int
    scale: float

    @property
    def clarity(self) -> float:
        """Mean text probability of the lines, long ones counting for more; 0.0 where there are none."""
        lengths = [side_lengths(line.quad)[0] for line in self.lines]
        scored = zip(lengths, self.lines, strict=True)
        return sum(length * line.score for length, line in scored) / max(sum(lengths), 1.0)

    @property
    def is_enough(self) -> bool:
        """Would a closer look find the same, or does the page lie on its side?"""
        is_plain = self.clarity >= _PLAIN and self._low_height() >= _PLAIN_HEIGHT
        return is_plain or (self.clarity >= _CLEAR and mostly_vertical([line.quad for line in self.lines]))

    @property
    def closer_side(self) -> int:
        """The side from which the text will be high enough; the longest one where it is not clear."""
        wanted = self.side * _PLAIN_HEIGHT / self._low_height() if self.clarity >= _PLAIN else LONGEST_SIDE
        return next((side for side in SIDES if side >= wanted), LONGEST_SIDE)

    def _low_height(self) -> float:
        """Pixels at detector scale: a tenth of the text, by length, is as low as this or lower."""
        sides = sorted((side_lengths(line.quad) for line in self.lines), key=lambda side: side[1])
        lengths, heights = zip(*sides, strict=True)
        return self.scale * float(heights[int(np.searchsorted(np.cumsum(lengths), sum(lengths) / 10))])


def _look(picture: Picture, longest_side: int) -> Generator[Ask, Outputs, _Look]:
    seen = detector_input(picture, longest_side)
    _, height, width = seen.tensor.shape
    call = ModelCall("detector", (height, width), height * width, seen.used, seen.tensor)
    (probabilities,) = yield Ask("detect", [call])
    return _Look(lines_from_map(probabilities, seen.scale, seen.size), longest_side, seen.scale)
