"""Whatever bytes come as a picture: a correct answer or INVALID_ARGUMENT, at once, and the server none the worse."""

import asyncio
import io
import itertools
import random
import struct
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from PIL import Image

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub

REASONS = {
    "IMAGE_EMPTY",
    "IMAGE_UNREADABLE",
    "IMAGE_TRUNCATED",
    "IMAGE_TOO_MANY_BYTES",
    "IMAGE_TOO_MANY_PIXELS",
    "IMAGE_ANIMATED",
    "IMAGE_TOO_SMALL",
}


def saved(picture: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


@pytest.fixture(scope="module")
def valid(line_picture: Image.Image) -> dict[str, bytes]:
    """A picture in every format, small enough to be read in no time."""
    small = line_picture.resize((80, 16))
    exif = Image.Exif()
    exif[0x0112] = 6
    return {
        "png": saved(small, "PNG"),
        "jpeg": saved(small, "JPEG"),
        "progressive": saved(small, "JPEG", progressive=True),
        "exif": saved(small, "JPEG", exif=exif),
        "webp": saved(small, "WEBP"),
        "bmp": saved(small, "BMP"),
        "gif": saved(small, "GIF"),
        "interlaced": png_chunks(80, 16, bytes(16 * 80 + 30), interlace=1),  # thirty rows in seven passes
    }


def odd_pictures(small: Image.Image) -> Iterator[bytes]:
    """Unusual, and good: each must be read."""
    yield saved(small.convert("CMYK"), "JPEG")
    yield saved(small.convert("L"), "JPEG")
    yield saved(small.convert("1"), "PNG")
    yield saved(small.convert("LA"), "PNG")
    yield saved(small.convert("RGBA"), "PNG")
    yield saved(small.convert("P"), "PNG", transparency=0)
    yield saved(small.convert("P"), "PNG", transparency=bytes(range(256)))
    yield saved(small.convert("RGBA"), "WEBP", lossless=True)
    yield saved(Image.fromarray(np.full((16, 80), 40_000, np.uint16)), "PNG")
    yield saved(small.convert("P"), "GIF", transparency=3)
    yield saved(small, "PNG") + b"trailing rubbish"


def extreme_sizes() -> Iterator[bytes]:
    for size in ((1, 1), (1, 2), (2, 1), (3, 3), (30_000, 2), (2, 30_000), (30_000, 1), (1, 30_000)):
        yield saved(Image.new("L", size, 128), "PNG")
        yield saved(Image.new("RGB", size, "white"), "JPEG")


def animations(small: Image.Image) -> Iterator[bytes]:
    frames = [small.point(lambda value, by=by: value // by) for by in (2, 3)]
    for kind in ("GIF", "WEBP", "PNG"):
        yield saved(small, kind, save_all=True, append_images=frames)


def no_pictures() -> Iterator[bytes]:
    yield from (b"", b"\0", b"hello", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"PK\x03\x04" * 50)
    yield from (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0" + bytes(100), b"GIF89a", b"BM" + bytes(60))
    yield from (
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"II*\0" + bytes(200),
        b"\0\0\0 ftypheic" + bytes(100),
        b"%!PS-Adobe\n",
    )
    yield saved(Image.new("RGB", (20, 20)), "TIFF")
    yield saved(Image.new("RGB", (20, 20)), "PPM")
    yield saved(Image.new("RGB", (20, 20)), "ICO")
    randomness = random.Random(1)
    yield from (randomness.randbytes(2**power) for power in range(16))


def lying(valid: dict[str, bytes]) -> Iterator[bytes]:
    """The head of one format with the body of another."""
    for head, body in itertools.permutations(valid.values(), 2):
        yield head[:12] + body[12:]


def truncated(valid: dict[str, bytes]) -> Iterator[bytes]:
    for file in valid.values():
        yield from (file[: len(file) * i // 16] for i in range(16))


def flipped(valid: dict[str, bytes]) -> Iterator[bytes]:
    randomness = random.Random(2)
    for file in valid.values():
        for flips in (1, 1, 1, 1, 2, 4, 8, 32) * 4:
            broken = bytearray(file)
            for _ in range(flips):
                broken[randomness.randrange(len(broken))] ^= 1 << randomness.randrange(8)
            yield bytes(broken)


def png_chunks(width: int, height: int, pixels: bytes, *, interlace: int = 0, compressed: bytes | None = None) -> bytes:
    """A grey PNG with whatever it is told."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, interlace)
    body = zlib.compress(pixels) if compressed is None else compressed
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def lying_pngs() -> Iterator[bytes]:
    """Headers that promise other pixels than there are."""
    for width, height in ((0, 0), (0, 9), (9, 0), (2**31 - 1, 1), (2**32 - 1, 2**32 - 1), (9, 1000), (7000, 7000)):
        yield png_chunks(width, height, bytes(100))
        yield png_chunks(width, height, b"", compressed=b"no deflate")


@pytest.fixture(scope="module")
def bombs() -> dict[str, bytes]:
    """Few bytes that would be many pixels."""
    side = 30_000
    deflate = zlib.compressobj(9)
    head = deflate.compress(bytes(1)) + deflate.flush(zlib.Z_FULL_FLUSH)
    zeros = deflate.compress(bytes(10 * 2**20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    repeated = head + zeros * (side * (side + 1) // (10 * 2**20) + 1) + deflate.flush()
    jpeg = bytearray(saved(Image.new("L", (8, 8)), "JPEG"))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    gif = bytearray(saved(Image.new("P", (8, 8)), "GIF"))
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    bmp = bytearray(saved(Image.new("RGB", (8, 8)), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    return {
        "png": png_chunks(side, side, b"", compressed=repeated),
        "jpeg": bytes(jpeg),
        "gif": bytes(gif),
        "bmp": bytes(bmp),
        "webp": saved(Image.new("L", (8_000, 8_000)), "WEBP", lossless=True, quality=0, method=0),
    }


def memory(pid: int, field: str) -> float:
    """VmRSS, resident now, or VmHWM, resident at most since `forget_peak`: MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


async def answers(address: str, images: list[bytes]) -> Counter[str]:
    """How often each status or reason was answered; layouts take turns."""
    layouts = itertools.cycle((messages.LAYOUT_LINE, messages.LAYOUT_WORD, messages.LAYOUT_PAGE))
    slots = asyncio.Semaphore(4)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = RecognitionServiceStub(channel)

        async def answer(image: bytes, layout: messages.Layout.ValueType) -> str:
            request = RecognizeRequest(image=image, options=messages.RecognitionOptions(layout=layout))
            async with slots:
                try:
                    result = (await stub.Recognize(request)).result
                except grpc.aio.AioRpcError as error:
                    return refusal(error)
            assert result.recognition.page.width
            return "OK"

        return Counter(await asyncio.gather(*map(answer, images, layouts)))


def refusal(error: grpc.aio.AioRpcError) -> str:
    """The reason, when it is the callers fault; else the status."""
    info = error_details_pb2.ErrorInfo()
    if error.code() is not grpc.StatusCode.INVALID_ARGUMENT or not rpc_status.from_call(error).details[0].Unpack(info):
        return f"{error.code()} {error.details()}"
    return info.reason


async def test_hundreds_of_malformed_pictures_harm_nothing(server, valid, bombs, line_picture, line_png):
    small = line_picture.resize((80, 16))
    odd = list(odd_pictures(small))
    corpus = [*animations(small), *no_pictures(), *lying(valid), *truncated(valid), *flipped(valid), *lying_pngs()]
    corpus += [*extreme_sizes(), *bombs.values(), bytes(25 * 2**20), valid["png"] + bytes(25 * 2**20)]
    # Memory grows with the largest input, of models and of threads: let them have it before it is measured.
    largest = [saved(line_picture.resize(size), "JPEG") for size in ((2560, 1920), (2560, 60))]
    good = [*valid.values(), *odd, *largest * 6]
    assert await answers(server.address, good) == {"OK": len(good)}
    await answers(server.address, corpus)
    before = memory(server.pid, "VmRSS")
    found = await answers(server.address, corpus)

    assert found.total() >= 500
    assert set(found) <= REASONS | {"OK"}
    assert found["IMAGE_ANIMATED"] >= 3
    assert found["IMAGE_TOO_MANY_BYTES"] == 2
    for _ in range(50):  # the last uploads, of 25 MiB, are on their way out
        if (grown := memory(server.pid, "VmRSS") - before) < 50:
            break
        await asyncio.sleep(0.1)
    assert grown < 50
    with grpc.insecure_channel(server.address) as channel:
        status = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status
    assert status == health_pb2.HealthCheckResponse.SERVING
    assert await answers(server.address, [line_png]) == {"OK": 1}


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "webp"])
def test_a_bomb_takes_neither_time_nor_memory(server, bombs, kind):
    bomb = bombs[kind]
    assert len(bomb) < 2**20
    with grpc.insecure_channel(server.address) as channel:
        stub = RecognitionServiceStub(channel)
        attempt(stub, b"hello")  # opens the connection
        before = memory(server.pid, "VmRSS")
        forget_peak(server.pid)
        tries = [attempt(stub, bomb) for _ in range(5)]
    assert {reason for _, reason in tries} == {"IMAGE_TOO_MANY_PIXELS"}
    assert min(seconds for seconds, _ in tries) < 0.05
    assert memory(server.pid, "VmHWM") - before < 20


def attempt(stub: RecognitionServiceStub, image: bytes) -> tuple[float, str]:
    """Seconds and reason of a refusal."""
    started = time.perf_counter()
    with pytest.raises(grpc.RpcError) as caught:
        stub.Recognize(RecognizeRequest(image=image))
    return time.perf_counter() - started, refusal(caught.value)
