"""The photo with the reading drawn on it: a box around each word and above it what was read, by confidence."""

import math
from functools import cache
from pathlib import Path

import font_source_sans_pro  # type: ignore[import-untyped]  # ships no types
from PIL import Image, ImageColor, ImageDraw, ImageFont

from zorky_client.formats.picture import Corners, Picture, Upright
from zorky_client.results import Recognition, Word

FONT = Path(font_source_sans_pro.font_directory) / "SourceSansPro-Semibold.ttf"
LEGIBLE = 36.0
"""Height in pixels that words shall have at least; smaller pictures are enlarged, up to LARGEST times."""
LARGEST = 3.0
LABEL_SHARE = 0.38
"""Height of a label's letters, as a share of the word's height."""
SMALLEST_LETTERS = 12
PAPER = (255, 255, 255, 190)


def annotated(picture: Picture, result: Recognition) -> Image.Image:
    """RGB, upright, enlarged when its words are very small. Raises OSError when the picture cannot be decoded."""
    upright = Upright(result.page)
    image = upright.image(picture)
    words = [(word, upright.corners(word.quad)) for word in result.words]
    scale = _enlargement([corners for _, corners in words])
    image = image.resize((round(scale * image.width), round(scale * image.height)), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image, "RGBA")
    scaled = [(word, [(scale * x, scale * y) for x, y in corners]) for word, corners in words]
    for word, corners in scaled:
        draw.polygon(corners, outline=(*_colour(word), 170), width=max(1, round(_height(corners) / 24)))
    for word, corners in scaled:
        _label(draw, word, corners)
    return image


def _label(draw: ImageDraw.ImageDraw, word: Word, corners: Corners) -> None:
    """Writes a word above its box, no wider than the box where that leaves it legible."""
    width = max(math.dist(corners[0], corners[1]), 1.0)
    size = max(LABEL_SHARE * _height(corners), SMALLEST_LETTERS)
    size = max(min(size, size * width / max(_font(round(size)).getlength(word.text), 1.0)), SMALLEST_LETTERS)
    font = _font(round(size))
    (left, top), (_, end), *_ = corners
    base = min(top, top + (end - top) * min(1.0, font.getlength(word.text) / width))  # clear of an edge that rises
    box = draw.textbbox((left, base), word.text, font, anchor="ls")
    below = max(0, 1 - box[1])  # words at the upper edge keep their labels inside the picture
    draw.rectangle((box[0] - 1, box[1] + below - 1, box[2] + 1, box[3] + below), fill=PAPER)
    draw.text((left, base + below), word.text, (*_colour(word), 255), font, anchor="ls")


def _enlargement(words: list[Corners]) -> float:
    heights = sorted(_height(corners) for corners in words)
    return min(max(1.0, LEGIBLE / max(heights[len(heights) // 2], 1.0)), LARGEST) if heights else 1.0


def _height(corners: Corners) -> float:
    return math.dist(corners[0], corners[3])


def _colour(word: Word) -> tuple[int, int, int]:
    """From red at confidence 0 by amber to green at 1, dark enough to read on white."""
    red, green, blue, *_ = ImageColor.getrgb(f"hsl({round(130 * word.confidence)}, 90%, 32%)")
    return red, green, blue


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size)
