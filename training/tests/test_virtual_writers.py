"""Virtual writers: what lies between two writers, and what cannot be blended."""

import numpy as np
import pytest

from zorky_training.glyphs import Glyph, resampled
from zorky_training.ink import Points
from zorky_training.traces import TraceHand, glyph
from zorky_training.virtual_writers import virtual_writers


def writer(name: str, **letters: list[Points]) -> TraceHand:
    return TraceHand(name, {text: [glyph(text, strokes)] for text, strokes in letters.items()})


def stroke(*points: tuple[float, float]) -> Points:
    return resampled(np.array(points, np.float32))


ARCH = stroke((0.0, 0.0), (0.1, -1.0), (0.5, -1.0), (0.6, 0.0))
TALLER = ARCH * np.float32((1.0, 1.2))
BAR, RING = stroke((0.0, -0.5), (2.0, -0.5)), stroke((0.0, 0.0), (0.3, -1.5), (0.6, 0.0), (0.0, 0.0))


def heights(writers: list[TraceHand], letter: str) -> list[float]:
    samples: list[Glyph] = [sample for one in writers for sample in one.letters[letter]]
    return [float(np.ptp(np.concatenate(sample.strokes)[:, 1])) for sample in samples]


def test_letters_formed_alike_lie_between_the_writers_or_a_little_beyond() -> None:
    drawn = virtual_writers([writer("a", п=[ARCH]), writer("b", п=[TALLER])], 40, np.random.default_rng(1))
    found = heights(drawn, "п")
    assert len(set(found)) > 20
    assert all(0.85 < height < 1.3 for height in found)
    assert any(1.0 < height < 1.15 for height in found)


@pytest.mark.parametrize("other", [[BAR], [ARCH, BAR]])
def test_letters_formed_differently_are_taken_from_one_writer_or_the_other(other: list[Points]) -> None:
    drawn = virtual_writers([writer("a", п=[RING]), writer("b", п=other)], 40, np.random.default_rng(2))
    forms = {round(height, 3) for height in heights(drawn, "п")}
    assert forms == {round(float(np.ptp(np.concatenate(form)[:, 1])), 3) for form in ([RING], other)}


def test_a_letter_that_only_one_writer_has_stays() -> None:
    drawn = virtual_writers([writer("a", п=[ARCH], ж=[BAR]), writer("b", п=[ARCH])], 20, np.random.default_rng(3))
    assert any(one.covers("ж") for one in drawn)


def test_one_writer_alone_makes_no_virtual_ones() -> None:
    assert virtual_writers([writer("a", п=[ARCH])], 5, np.random.default_rng(4)) == []
