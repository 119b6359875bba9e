"""Requests as callers send them, encoded once: pictures drawn or taken from examples/."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from zorky.v1.recognition_pb2 import LAYOUT_LINE, LAYOUT_PAGE, LAYOUT_WORD, Layout, RecognitionOptions
from zorky.v1.recognition_service_pb2 import RecognizeRequest

EXAMPLES = Path(__file__).parent.parent / "examples"
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def request(file: bytes, layout: Layout.ValueType = LAYOUT_PAGE) -> bytes:
    """The request to read a picture file, ready to be sent."""
    return RecognizeRequest(image=file, options=RecognitionOptions(layout=layout)).SerializeToString()


def text_picture(text: str, size: int) -> bytes:
    """One printed line as a PNG file. size: height of the letters in pixels."""
    font, margin = ImageFont.load_default(size), size // 4
    picture = Image.new("L", (round(font.getlength(text)) + 2 * margin, size + 2 * margin), 255)
    ImageDraw.Draw(picture).text((margin, margin), text, 20, font)
    picture.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def word(rng: random.Random) -> bytes:
    """A request for a word of its own size."""
    return request(text_picture(_word(rng), rng.randint(20, 64)), LAYOUT_WORD)


def line(rng: random.Random) -> bytes:
    """A request for a line of 2 to 8 words."""
    text = " ".join(_word(rng) for _ in range(rng.randint(2, 8)))
    return request(text_picture(text, rng.randint(20, 64)), LAYOUT_LINE)


@cache
def pages(longest: int) -> Sequence[bytes]:
    """Requests for the example pages as JPEGs of 3:4. longest: pixels of the longer side."""
    return tuple(request(_resized(path, longest)) for path in sorted(EXAMPLES.glob("*.jpg")))


def broken(rng: random.Random) -> bytes:
    """A request with a file that is cut off, garbled, empty, none at all, or far too large by its header."""
    whole = text_picture(_word(rng), 40)
    files = (whole[: len(whole) // 2], rng.randbytes(2000), b"", b"not a picture", _huge())
    return request(rng.choice(files), LAYOUT_WORD)


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_LETTERS, k=rng.randint(2, 10)))


def _resized(path: Path, longest: int) -> bytes:
    image = Image.open(path)
    shortest = longest * 3 // 4
    size = (longest, shortest) if image.width > image.height else (shortest, longest)
    image.resize(size, Image.Resampling.LANCZOS).save(file := io.BytesIO(), "JPEG", quality=90)
    return file.getvalue()


@cache
def _huge() -> bytes:
    """A small file of 100 million pixels, twice what is accepted."""
    Image.new("1", (10_000, 10_000)).save(file := io.BytesIO(), "PNG")
    return file.getvalue()
