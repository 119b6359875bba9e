"""Bytes of a picture file to pixels: limits first, then orientation, and no more pixels than reading needs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from .values import BadPicture, Picture

Image.MAX_IMAGE_PIXELS = None  # Pillow only warns, and late; `_check_header` refuses before anything is decoded

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
}

_REDUCIBLE = {"L", "LA", "RGB", "RGBA", "CMYK"}
"""Modes whose pixels can be averaged as they are; palettes cannot."""

_QUARTER_TURNS = {3: 2, 4: 2, 5: 1, 6: 1, 7: 3, 8: 3}
"""EXIF orientation -> quarter turns clockwise that show the picture as it was meant."""
_MIRRORED = {2, 4, 5, 7}
"""EXIF orientations that are mirrored left to right after that turn."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What is accepted."""

    media_types: tuple[str, ...] = tuple(_MEDIA_TYPES.values())
    max_bytes: int = 20 * 1024 * 1024
    """A Telegram bot's largest file."""
    max_pixels: int = 50_000_000
    """What today's phone cameras give."""
    working_side: int = 2560
    """Pixels of the longer side beyond which the picture is made smaller: 30 lines of text still have 80 each."""
    least_side: int = 1600
    """Pixels of the longer side that such a picture keeps where halving it while it is decoded spares a lot of work:
    30 lines of text still have 50 each, and the recogniser looks at 48."""


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """Pixels to work on, and the size of the picture as it is viewed."""

    pixels: Picture
    width: int
    height: int

    @property
    def scale(self) -> float:
        """Viewed pixels for one working pixel, 1 or more."""
        return self.width / int(self.pixels.shape[1])


def open_picture(file: bytes, limits: Limits) -> OpenedPicture:
    """Decodes a picture file. Raises BadPicture when it is none, is broken, or is beyond the limits."""
    if not file:
        raise BadPicture("IMAGE_EMPTY", "the image is empty: send the bytes of a picture file")
    if len(file) > limits.max_bytes:
        raise BadPicture(
            "IMAGE_TOO_MANY_BYTES",
            f"the image has {len(file):,} bytes, {limits.max_bytes:,} are accepted: send it smaller or as JPEG",
        )
    image = _open_header(file, limits)
    orientation = _orientation(image)
    viewed = (image.height, image.width) if _QUARTER_TURNS.get(orientation, 0) % 2 else image.size
    pixels = _oriented(_fitting(_decoded(image, limits), limits.working_side), orientation)
    return OpenedPicture(pixels, *viewed)


def _open_header(file: bytes, limits: Limits) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(file), formats=tuple(_MEDIA_TYPES))
    except Exception as error:  # hostile bytes make the parsers raise nearly anything
        accepted = ", ".join(limits.media_types)
        raise BadPicture(
            "IMAGE_UNREADABLE", f"the image is not a picture that can be read here: send one of {accepted}"
        ) from error
    _check_header(image, limits)
    return image


def _check_header(image: Image.Image, limits: Limits) -> None:
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise BadPicture(
            "IMAGE_TOO_MANY_PIXELS",
            f"the image has {image.width} x {image.height} pixels, {limits.max_pixels:,} in all are accepted: "
            "send it smaller",
        )
    # Phones write MPO, a JPEG with a second, smaller picture behind it: the first one is meant.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise BadPicture("IMAGE_ANIMATED", "the image has several frames: send the one that shall be read")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a broken EXIF block must not spoil a good picture
        return 1


def _decoded(image: Image.Image, limits: Limits) -> Picture:
    """(H, W, 3) RGB uint8 as stored. What is larger than the working side is reduced in whole steps on the way, to
    the least side at least: by 2, 4 or 8 while a JPEG is decoded."""
    if max(image.size) > limits.working_side:
        least = limits.least_side / max(image.size)
        image.draft("RGB", (max(1, int(image.width * least)), max(1, int(image.height * least))))
    try:
        return _rgb(_reduced(image, limits))
    except OSError as error:
        raise BadPicture("IMAGE_TRUNCATED", "the image is cut off or damaged: send the whole file") from error
    except Exception as error:  # as in _open_header
        raise BadPicture("IMAGE_UNREADABLE", "the image is damaged: save it anew and send that") from error


def _reduced(image: Image.Image, limits: Limits) -> Image.Image:
    """A large picture made smaller by whole steps before its colours are converted: each conversion is a copy."""
    steps = max(image.size) // limits.least_side
    is_large = max(image.size) > limits.working_side
    return image.reduce(steps) if is_large and steps > 1 and image.mode in _REDUCIBLE else image


def _rgb(image: Image.Image) -> Picture:
    if image.mode.startswith("I"):
        return _grey_to_rgb(np.asarray(image))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        image = Image.alpha_composite(white, layer)
    return np.asarray(image.convert("RGB"))


def _grey_to_rgb(deep: NDArray[np.integer[Any]]) -> Picture:
    """16 bits a pixel to 8, which Pillow would clip instead of scaling."""
    grey = np.clip(deep.astype(np.int32) >> 8, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def _fitting(pixels: Picture, working_side: int) -> Picture:
    height, width = pixels.shape[:2]
    factor = working_side / max(height, width)
    return pixels if factor >= 1 else shrunk(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))


def shrunk(pixels: Picture, size: tuple[int, int]) -> Picture:
    """The picture at a smaller size, width and height: halved while that leaves enough, then interpolated.

    Looks like averaging over areas, which takes five times as long where the factor is not whole.
    """
    height, width = pixels.shape[:2]
    while width >= 2 * size[0] and height >= 2 * size[1]:
        width, height = width // 2, height // 2
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _oriented(pixels: Picture, orientation: int) -> Picture:
    turned = turn(pixels, _QUARTER_TURNS.get(orientation, 0))
    return np.ascontiguousarray(turned[:, ::-1]) if orientation in _MIRRORED else turned


def turn(pixels: Picture, quarters: int) -> Picture:
    """The picture turned clockwise by `quarters` quarter turns."""
    return np.ascontiguousarray(np.rot90(pixels, -quarters)) if quarters % 4 else pixels
