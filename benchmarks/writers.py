"""Draws corrections by people who never were, as `zorky-train corrections` writes them: to try fine-tuning on.

    python benchmarks/writers.py FOLDER    # 204 lines by six writers in train/, 120 by three others in test/

A writer is a hand kept from training, in one manner that stays the same from line to line.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from zorky_training.evidence import language_of
from zorky_training.fonts import FontHand, fonts_under
from zorky_training.ink import Ink
from zorky_training.lines import HELD_OUT
from zorky_training.manner import Manner
from zorky_training.scribe import Scribe
from zorky_training.text import Texts

TRAIN = (
    ("Philosopher", 6),
    ("Philosopher", 5),
    ("Philosopher", 11),
    ("Philosopher", 12),
    ("Yomogi", 2),
    ("Yomogi", 13),
)
TEST = (("Philosopher", 21), ("Philosopher", 22), ("Yomogi", 23))
LINES = {"train": 34, "test": 40}
"""Of each writer."""


class Writer:
    """A hand that always writes in the manner of one seed."""

    printed = capitals_only = False

    def __init__(self, font: FontHand, seed: int) -> None:
        drawn = Manner.random(np.random.default_rng(seed), 0.8)
        self.name = f"{font.name.partition('_')[0]}{seed}"
        self._font, self._manner = font, replace(drawn, outlined=False, linking=1.0, haste=max(drawn.haste, 0.08))

    def covers(self, text: str) -> bool:
        return self._font.covers(text)

    def write(self, text: str, rng: Generator, jitter: float, _manner: Manner | None = None) -> Ink:
        return self._font.write(text, rng, jitter, self._manner)


def draw(folder: Path, writers: Sequence[Writer], each: int, seed: int) -> None:
    """`each` lines by every writer, with labels.tsv."""
    folder.mkdir(parents=True)
    texts, rows = Texts(), []
    for number, writer in enumerate(writers):
        for line in range(each):
            rng = np.random.default_rng((seed, number, line))
            text = next(text for _ in range(1000) if writer.covers(text := texts.draw(rng)))
            crop = Scribe(writer, rng).crop(text, lambda text=text: text[::-1])
            name = f"{writer.name}_{line}.png"
            cv2.imwrite(str(folder / name), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
            rows.append(f"{name}\t{text}\t{language_of(text)}\t{writer.name}\n")
    (folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="that train/ and test/ are written into")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    arguments = parser.parse_args()
    held_out = [path for path in fonts_under(arguments.fonts) if path.stem.startswith(HELD_OUT)]
    fonts = {path.stem.partition("_")[0]: FontHand(path) for path in reversed(held_out)}
    for seed, (part, people) in enumerate({"train": TRAIN, "test": TEST}.items()):
        draw(arguments.folder / part, [Writer(fonts[name], number) for name, number in people], LINES[part], seed)


if __name__ == "__main__":
    main()
