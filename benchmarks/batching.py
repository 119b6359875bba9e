"""What batches cost and change

    python benchmarks/batching.py [--full]

Drawn 1280x960 pages, and lines and words cut from them, eight crops to a page, sent by eight callers. *Padding* is the
share of the pixels given to a model that is not the picture, from the server's metrics.

Each picture is then read alone, and once more among 32 others that are sent at the same moment. Its text must be the
same; *confidence moves* is the most by which the confidence of any word differs.
"""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Iterator, Sequence
from itertools import cycle

from drawn import pages, request
from load import Answer, Caller, closed_loop
from PIL import Image
from running import METERED, Check, Server, full, publish, server

from zorky.v1.geometry_pb2 import Quad
from zorky.v1.recognition_pb2 import LAYOUT_LINE, LAYOUT_WORD, Layout, Recognition
from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeResponse

CALLERS = 8
OTHERS = 32
CROPS = 8
"""To a page."""
MODELS = ("detector", "recognizer")


async def mix(caller: Caller, rng: random.Random) -> list[bytes]:
    """Requests for every page and CROPS crops of it, shuffled."""
    requests = list[bytes]()
    for whole in pages(1280):
        page = Image.open(io.BytesIO(RecognizeRequest.FromString(whole).image))
        found = recognition_of(await caller.call(whole))
        requests += [whole, *rng.sample(list(crops(page, found)), CROPS)]
    rng.shuffle(requests)
    return requests


def crops(page: Image.Image, found: Recognition) -> Iterator[bytes]:
    """A request for each of its lines and words."""
    for line in found.page.lines:
        yield crop(page, line.quad, LAYOUT_LINE)
        for word in line.words:
            yield crop(page, word.quad, LAYOUT_WORD)


def crop(page: Image.Image, quad: Quad, layout: Layout.ValueType) -> bytes:
    """A request for the upright rectangle around a quadrilateral."""
    corners = (quad.top_left, quad.top_right, quad.bottom_right, quad.bottom_left)
    xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
    page.crop((int(min(xs)), int(min(ys)), int(max(xs)) + 1, int(max(ys)) + 1)).save(file := io.BytesIO(), "PNG")
    return request(file.getvalue(), layout)


def recognition_of(answer: Answer) -> Recognition:
    """Raises RuntimeError when the call failed: nothing here is more than the server admits."""
    if not answer.ok:
        raise RuntimeError(answer.details)
    return RecognizeResponse.FromString(answer.body).result.recognition


async def moved(caller: Caller, requests: Sequence[bytes], rng: random.Random) -> tuple[int, float]:
    """How many texts differ in company, and the most by which a word's confidence does."""
    texts, confidence = 0, 0.0
    for one in requests:
        alone = recognition_of(await caller.call(one))
        others = (caller.call(other) for other in rng.choices(requests, k=OTHERS))
        among, *_ = [recognition_of(answer) for answer in await asyncio.gather(caller.call(one), *others)]
        texts += among.text != alone.text
        pairs = zip(confidences(alone), confidences(among), strict=False)  # where texts differ, so may their words
        confidence = max([confidence, *(abs(a - b) for a, b in pairs)])
    return texts, confidence


def confidences(found: Recognition) -> list[float]:
    """Of all words, in their order."""
    return [word.confidence for line in found.page.lines for word in line.words]


def row_of(model: str, serving: Server) -> dict[str, object]:
    """What the server counted so far."""
    used, padding = (serving.metric(f"zorky_{kind}_total", model=model) for kind in ("pixels", "padding_pixels"))
    batches, items = (serving.metric(f"zorky_batch_items_{kind}", model=model) for kind in ("count", "sum"))
    row = {"model": model, "batches": int(batches), "items a batch": items / batches}
    return row | {"padding": padding / (used + padding)}


async def measured(serving: Server, seconds: float, compared: int) -> tuple[list[dict[str, object]], int, float]:
    """The rows, and what company changes. compared: pictures that are read twice."""
    rng = random.Random(1)
    async with Caller(serving.address) as caller:
        requests = await mix(caller, rng)
        turns = cycle(requests)
        await closed_loop(lambda: caller.call(next(turns)), CALLERS, seconds)
        rows = [row_of(model, serving) for model in MODELS]
        return rows, *await moved(caller, requests[:compared], rng)


def main(thorough: bool) -> None:
    """Measures one server and publishes the table."""
    with server(*METERED) as serving:
        rows, texts, confidence = asyncio.run(measured(serving, *((30, 36) if thorough else (6, 6))))
    checks = [Check(f"{row['model']}: padding", float(str(row["padding"])), "<=", 0.15) for row in rows]
    checks += [Check("texts that differ in company", texts, "<=", 0)]
    checks += [Check("confidence moves in company", confidence, "<=", 1e-3)]
    publish("batching", rows, checks=checks)


if __name__ == "__main__":
    main(full())
