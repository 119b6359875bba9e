"""Real English lines: a folder of images with labels.tsv, varied a little each time one is drawn."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from zorky_server.tasks.handwriting.values import Picture

from .charset import fold


def read_labels(folder: Path) -> list[tuple[Path, str]]:
    """Image paths and texts of a labelled folder. Raises FileNotFoundError without labels.tsv."""
    rows = (folder / "labels.tsv").read_text(encoding="utf-8").splitlines()
    return [(folder / row.split("\t")[0], row.split("\t")[1]) for row in rows if "\t" in row]


def read_picture(path: Path) -> Picture:
    """An image file as RGB. Raises ValueError when it cannot be decoded."""
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path} is not an image")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)


class RealLines:
    """The lines of a labelled folder whose text is not empty after folding."""

    def __init__(self, folder: Path) -> None:
        folded = ((path, fold(text)) for path, text in read_labels(folder))
        self._lines = [(path, text) for path, text in folded if text]

    def draw(self, rng: Generator) -> tuple[Picture, str]:
        path, text = self._lines[int(rng.integers(len(self._lines)))]
        return _varied(read_picture(path), rng), text


def _varied(picture: Picture, rng: Generator) -> Picture:
    """Slant, stretch, small rotation, and light of its own."""
    height, width = picture.shape[:2]
    slant, stretch = rng.normal(0, 0.12), rng.uniform(0.9, 1.15)
    down = rng.normal(0, 0.006), 1, rng.normal(0, 0.03) * height
    matrix = np.array(((stretch, slant, -slant * height / 2), down), np.float32)
    moved = cv2.warpAffine(picture, matrix, (round(width * stretch), height), borderMode=cv2.BORDER_REPLICATE)
    lit = moved.astype(np.float32) * rng.uniform(0.75, 1.1) + rng.uniform(-10, 10)
    if rng.random() < 0.3:
        lit = lit + rng.standard_normal(lit.shape[:2])[:, :, None] * rng.uniform(1, 7)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)
