"""Short form of benchmarks/batching.py."""

import asyncio

from batching import MODELS, measured
from running import METERED, server


def test_pictures_read_the_same_alone_and_in_company_and_little_is_padding() -> None:
    with server(*METERED) as serving:
        rows, texts, confidence = asyncio.run(measured(serving, seconds=1.0, compared=2))
    assert (texts, confidence <= 1e-3) == (0, True), confidence
    assert [row["model"] for row in rows] == list(MODELS)
    assert all(float(str(row["padding"])) <= 0.15 for row in rows), rows
