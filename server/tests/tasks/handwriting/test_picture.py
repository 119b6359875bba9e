"""Opening pictures: what is accepted looks as it is viewed, what is not is refused before it costs anything."""

import io
import struct
import time
import tracemalloc
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from zorky_server.tasks.handwriting.picture import Limits, open_picture, shrunk, turn
from zorky_server.tasks.handwriting.values import BadPicture

LIMITS = Limits()


def drawn(width: int = 64, height: int = 40) -> Image.Image:
    """A smooth gradient in three colours: no two corners alike, and JPEG keeps it well."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([x, y, 255 - (x + y) / 2], axis=2).astype(np.uint8))


GREY = np.asarray(drawn().convert("L"), int)


def encoded(image: Image.Image, format_: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def reason(file: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(BadPicture) as refused:
        open_picture(file, limits)
    return refused.value.reason


def bomb(width: int, height: int) -> bytes:
    """A small PNG of zeros that would decode to width x height x 3 bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(min(width * height, 50_000_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_every_accepted_format_is_read_as_rgb(format_: str) -> None:
    opened = open_picture(encoded(drawn(), format_), LIMITS)
    assert opened.pixels.shape == (40, 64, 3)
    assert np.abs(opened.pixels.astype(int) - np.asarray(drawn())).mean() < 16


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_shows_the_picture_as_it_is_viewed(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = encoded(drawn(), "PNG", exif=exif)
    viewed = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    opened = open_picture(file, LIMITS)
    assert (opened.width, opened.height) == viewed.size
    np.testing.assert_array_equal(opened.pixels, np.asarray(viewed))


@pytest.mark.parametrize(
    ("longest", "left"),
    [(2400, 2400), (3000, LIMITS.working_side), (4000, 2000), (6400, 1600)],
)
@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_large_picture_is_halved_while_enough_is_left_and_keeps_its_viewed_size(
    longest: int, left: int, format_: str
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    opened = open_picture(encoded(drawn(longest, 300), format_, exif=exif), LIMITS)
    assert (opened.width, opened.height) == (300, longest)
    assert opened.pixels.shape[0] == left
    assert opened.scale == pytest.approx(longest / opened.pixels.shape[0], rel=0.02)


@pytest.mark.parametrize("size", [(320, 200), (200, 130), (100, 63), (150, 40), (1, 1)])
def test_a_shrunk_picture_shows_the_means_of_what_it_covers(size: tuple[int, int]) -> None:
    pixels = np.asarray(drawn(400, 250))
    expected = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(shrunk(pixels, size) - expected).mean() < 3


def test_a_fine_pattern_shrinks_to_grey_and_not_to_stripes() -> None:
    stripes = np.zeros((300, 1000, 3), np.uint8)
    stripes[:, ::2] = 255
    assert shrunk(stripes, (313, 94)).std() < 20


def test_transparency_shows_white_paper() -> None:
    image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    image.putpixel((3, 3), (10, 20, 30, 255))
    pixels = open_picture(encoded(image, "PNG"), LIMITS).pixels
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[3, 3].tolist() == [10, 20, 30]


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    pixels = open_picture(encoded(Image.fromarray(deep), "PNG"), LIMITS).pixels
    np.testing.assert_array_equal(pixels[:, :, 0], deep >> 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "YCbCr"])
def test_other_colour_modes_are_read(mode: str) -> None:
    format_ = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    pixels = open_picture(encoded(drawn().convert(mode), format_), LIMITS).pixels
    cells = [shown.reshape(10, 4, 16, 4).mean(axis=(1, 3)).ravel() for shown in (pixels.mean(axis=2), GREY)]
    assert np.corrcoef(*cells)[0, 1] > 0.9


def test_bad_files_are_refused_with_their_reason() -> None:
    png, jpeg = encoded(drawn(), "PNG"), encoded(drawn(640, 480), "JPEG")
    frames = [drawn(), ImageOps.flip(drawn())]
    animated = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert reason(b"") == "IMAGE_EMPTY"
    assert reason(b"hello, I am not a picture") == "IMAGE_UNREADABLE"
    assert reason(encoded(drawn(), "TIFF")) == "IMAGE_UNREADABLE"
    assert reason(jpeg[: len(jpeg) // 2]) == "IMAGE_TRUNCATED"
    assert reason(png[: len(png) // 2]) == "IMAGE_TRUNCATED"
    assert reason(animated) == "IMAGE_ANIMATED"
    assert reason(png + bytes(LIMITS.max_bytes)) == "IMAGE_TOO_MANY_BYTES"
    assert reason(png, Limits(max_pixels=1000)) == "IMAGE_TOO_MANY_PIXELS"


def test_a_bomb_is_refused_in_milliseconds_and_without_memory() -> None:
    file = bomb(30_000, 30_000)
    tracemalloc.start()
    started = time.perf_counter()
    assert reason(file) == "IMAGE_TOO_MANY_PIXELS"
    elapsed, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert elapsed < 0.05
    assert peak < 20_000_000


def test_random_damage_is_refused_or_read_and_never_anything_else() -> None:
    random = np.random.default_rng(7)
    for format_ in ("PNG", "JPEG", "WEBP", "GIF", "BMP"):
        whole = np.frombuffer(encoded(drawn(), format_), np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[random.integers(0, len(whole), 4)] = random.integers(0, 256, 4)
            with suppress(BadPicture):
                assert open_picture(damaged.tobytes(), LIMITS).pixels.ndim == 3


def test_four_quarter_turns_are_none() -> None:
    pixels = np.asarray(drawn())
    np.testing.assert_array_equal(turn(turn(pixels, 1), 3), pixels)
    np.testing.assert_array_equal(turn(pixels, 2), pixels[::-1, ::-1])
    assert turn(pixels, 1)[0, -1].tolist() == pixels[0, 0].tolist()
