"""Character error rates of whole pages read with `zorky recognize`, upright and turned.

    python benchmarks/accuracy.py DEV

DEV holds ru_pages/, en_pages/ and printed/ as the project's measuring data does. Before texts are compared, quotes,
dashes and ё/е count as equal and white space is collapsed; the rate is edits over the characters of the truth.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageOps
from rapidfuzz.distance import Levenshtein
from running import publish, server, texts

from zorky_training.charset import loosen

_PRINTED = {
    "printed ru": ["eslav.jpg", "kd_test2.jpg", "kd_test4.jpeg", "kd_typewriter_long.jpg", "mo_street_sign.jpeg"],
    "printed en": ["en.jpg", "en_rec.jpg", "easyocr_english.png", "issue_170.png"],
    "cursive font ru": ["vergotten_cursive_font.png"],
}


def edits(truth: str, read: str) -> tuple[int, int]:
    """Edits between truth and reading, and the characters of the truth."""
    return Levenshtein.distance(loosen(truth), loosen(read)), len(loosen(truth))


def pages(folder: Path) -> dict[Path, str]:
    """The pages of a folder with their texts beside them."""
    found = sorted((folder / "pages").glob("*.txt"))
    return {path.with_suffix(".jpg"): path.read_text() for path in found}


def printed(folder: Path, names: list[str]) -> dict[Path, str]:
    """Printed pictures by name, with their texts from labels.tsv."""
    rows = [line.split("\t") for line in (folder / "labels.tsv").read_text().splitlines()]
    labels = {Path(path).name: text.replace("\\n", "\n") for path, text, *_ in rows}
    return {folder / "images" / name: labels[name] for name in names}


def turned(pictures: Mapping[Path, str], degrees: int, folder: Path) -> dict[Path, str]:
    """Copies of the pictures turned clockwise, without loss."""
    copies = {}
    for path, truth in pictures.items():
        copy = folder / f"{path.stem}_{degrees}.png"
        ImageOps.exif_transpose(Image.open(path)).convert("RGB").rotate(-degrees, expand=True).save(copy)
        copies[copy] = truth
    return copies


def main(dev: Path) -> None:
    """Measures every set and publishes the table."""
    sets = {"ru_pages": pages(dev / "ru_pages"), "en_pages": pages(dev / "en_pages")}
    sets |= {name: printed(dev / "printed", names) for name, names in _PRINTED.items()}
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder, server() as address:
        for degrees in (90, 180, 270):
            sets[f"ru_pages turned {degrees}"] = turned(sets["ru_pages"], degrees, Path(folder))
        for name, pictures in sets.items():
            read = texts(address, list(pictures))
            counts = [edits(truth, read[path]) for path, truth in pictures.items()]
            rates = [f"{path.stem} {wrong / of:.3f}" for path, (wrong, of) in zip(pictures, counts, strict=True)]
            total = sum(wrong for wrong, _ in counts) / sum(of for _, of in counts)
            rows.append({"set": name, "pages": len(pictures), "CER": total, "each": ", ".join(rates)})
    publish("accuracy", rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
