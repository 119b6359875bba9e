"""Cuts corrected lines out of their pictures, with the pixels that serving saw."""

from __future__ import annotations

import hashlib

import numpy as np

from zorky_server.tasks.handwriting.lines import crop
from zorky_server.tasks.handwriting.picture import Limits, OpenedPicture, open_picture
from zorky_server.tasks.handwriting.values import Picture, Quad


def opened(file: bytes) -> OpenedPicture:
    """A picture file as serving opens it. Raises zorky_server's BadPicture."""
    return open_picture(file, Limits())


def cut(picture: OpenedPicture, quad: Quad) -> Picture:
    """The line in a quad, upright, (H, W, 3) RGB in the resolution that is worked on. quad: in pixels of the picture as
    it is viewed; its first corner is where the text begins, so that a page on its side needs no turning."""
    height, width = picture.pixels.shape[:2]
    return crop(picture.pixels, quad * np.array((width / picture.width, height / picture.height), np.float32))


def crop_name(image_sha256: str, quad: Quad) -> str:
    """Of the crop's file: the same for the same place of the same picture, whenever it is cut."""
    place = image_sha256.encode() + np.round(quad).astype("<i4").tobytes()
    return f"{hashlib.blake2b(place, digest_size=12).hexdigest()}.png"
