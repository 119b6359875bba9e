"""Pictures that were read, turned so that the text in them stands upright, and where their words then are."""

import math
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from zorky_client.results import Page, Point, Quad

Corners = list[tuple[float, float]]
"""x and y of a quad's corners, in the quad's order."""

_TURNS = {
    90: Image.Transpose.ROTATE_270,  # Pillow counts against the clock
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture's file, by a name for people."""

    name: str
    source: bytes | Path

    def viewed(self) -> Image.Image:
        """RGB pixels with the EXIF orientation applied. Raises OSError when the file cannot be read or decoded."""
        with Image.open(BytesIO(self.source) if isinstance(self.source, bytes) else self.source) as image:
            return ImageOps.exif_transpose(image).convert("RGB")


@dataclass(frozen=True, slots=True)
class Upright:
    """A page turned so that its text stands upright, then by `slope` degrees against the clock, about its centre."""

    page: Page
    slope: float = 0.0

    def image(self, picture: Picture) -> Image.Image:
        """The page's pixels, white where the turned picture does not reach. Raises OSError as Picture.viewed does."""
        viewed = picture.viewed()
        turn = _TURNS.get(self.page.rotation_degrees)
        turned = viewed if turn is None else viewed.transpose(turn)
        return turned.rotate(self.slope, Image.Resampling.BICUBIC, fillcolor="white") if self.slope else turned

    def corners(self, quad: Quad) -> Corners:
        """Where a quad is in `image`."""
        return [self._level(*self._turned(point)) for point in quad.points]

    def _turned(self, point: Point) -> tuple[float, float]:
        match self.page.rotation_degrees:
            case 90:
                return self.page.height - point.y, point.x
            case 180:
                return self.page.width - point.x, self.page.height - point.y
            case 270:
                return point.y, self.page.width - point.x
            case _:
                return point.x, point.y

    def _level(self, x: float, y: float) -> tuple[float, float]:
        width, height = self.page.width, self.page.height
        centre_x, centre_y = (height / 2, width / 2) if self.page.rotation_degrees % 180 else (width / 2, height / 2)
        cos, sin = math.cos(math.radians(self.slope)), math.sin(math.radians(self.slope))
        right, down = x - centre_x, y - centre_y
        return centre_x + right * cos + down * sin, centre_y - right * sin + down * cos
