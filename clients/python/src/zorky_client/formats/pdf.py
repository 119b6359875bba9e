"""Readings as a searchable PDF: each picture a level page, its words invisible over the ink they were read from."""

import math
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from fpdf import FPDF
from fpdf.drawing_primitives import Transform
from fpdf.enums import TextMode

from zorky_client.formats.glyphless import ADVANCE, DESCENT, UNITS, write_font
from zorky_client.formats.picture import Corners, Picture, Upright
from zorky_client.results import Recognition

LONG_SIDE = 842.0
"""Points of a page's longer side: that of A4."""
FONT_SIZE = 10
JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One page to be: its size in points, its picture as a JPEG, and where each word goes."""

    size: tuple[float, float]
    jpeg: bytes
    words: list[tuple[str, Transform]]


class PdfWriter:
    """Gathers pages and writes the whole document when it is closed."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._leaves: list[_Leaf] = []

    def add(self, picture: Picture, result: Recognition) -> None:
        """Takes one more page. Raises OSError when the picture cannot be decoded."""
        # Readers of PDF find lines by their height on the page: sloping ones would come out torn and shuffled.
        upright = Upright(result.page, slope=result.page.skew_degrees or 0.0)
        image = upright.image(picture)
        scale = LONG_SIDE / max(image.size)
        words = [(word.text, _placed(upright.corners(word.quad), word.text, scale)) for word in result.words]
        image.save(jpeg := BytesIO(), "JPEG", quality=JPEG_QUALITY)
        self._leaves.append(_Leaf((scale * image.width, scale * image.height), jpeg.getvalue(), words))

    def close(self) -> None:
        """Writes the document. With no page at all there is none, and nothing is written."""
        if not self._leaves:
            return
        # fpdf2 takes fonts by their path alone, and reads them when it writes.
        with tempfile.TemporaryDirectory() as folder:
            font = Path(folder) / "glyphless.ttf"
            write_font(font, " ".join(text for leaf in self._leaves for text, _ in leaf.words) or " ")
            self._out.write(_document(self._leaves, font))
        self._out.flush()


def _document(leaves: list[_Leaf], font: Path) -> bytes:
    document = FPDF(unit="pt")
    document.set_creator("Zorky")
    document.set_auto_page_break(False)
    document.add_font("glyphless", fname=font)
    document.set_font("glyphless", size=FONT_SIZE)
    document.text_mode = TextMode.INVISIBLE
    for leaf in leaves:
        document.add_page(format=leaf.size)
        document.image(BytesIO(leaf.jpeg), x=0, y=0, w=leaf.size[0], h=leaf.size[1])
        for text, place in leaf.words:
            with document.transform(place):
                document.text(0, 0, f"{text} ")  # the space keeps neighbours apart when they are copied
    return bytes(document.output())


def _placed(corners: Corners, text: str, scale: float) -> Transform:
    """Takes a text set at the origin to the middle of its quad: level, and as wide and high as the quad."""
    width, height = math.dist(corners[0], corners[1]), math.dist(corners[0], corners[3])
    middle_x, middle_y = (sum(axis) / 4 for axis in zip(*corners, strict=True))
    em = FONT_SIZE / UNITS
    return (
        Transform.translation(0, -DESCENT * em)
        .scale(scale * max(width, 1) / (len(text) * ADVANCE * em), scale * max(height, 1) / FONT_SIZE)
        .translate(scale * (middle_x - width / 2), scale * (middle_y + height / 2))
    )
