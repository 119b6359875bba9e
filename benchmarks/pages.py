"""The pages that are measured: drawn ones from examples/, and real ones where $ZORKY_DATA has them."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image
from running import ROOT

from zorky_server.tasks.handwriting.values import Layout
from zorky_training.samples import Sample, SampleSet, dev_samples

SIZES = {"drawn, 1280x960": (1280, 960), "drawn, 4000x3000": (4000, 3000)}
"""The sizes of drawn pages; upright ones are turned."""
HANDWRITTEN = ("ru_pages", "en_pages")
"""The sets of real pages that people wrote by hand."""


def drawn_pages(size: tuple[int, int]) -> list[Sample]:
    """The example pages as JPEGs of this size, with what they say."""
    return [
        Sample(path.stem, _scaled(path, size), path.with_suffix(".txt").read_text("utf-8"), Layout.PAGE, "drawn")
        for path in sorted((ROOT / "examples").glob("*.jpg"))
    ]


def page_sets() -> list[SampleSet]:
    """Drawn pages of both sizes, and the real ones where they are."""
    sets = [SampleSet(name, drawn_pages(size)) for name, size in SIZES.items()]
    data = os.environ.get("ZORKY_DATA")
    return sets + [one for one in dev_samples(Path(data) / "dev") if one.name in HANDWRITTEN] if data else sets


def _scaled(path: Path, size: tuple[int, int]) -> bytes:
    image = Image.open(path)
    wanted = size if image.width > image.height else size[::-1]
    file = io.BytesIO()
    image.resize(wanted, Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
    return file.getvalue()
