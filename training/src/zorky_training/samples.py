"""Labelled pictures: what is measured, and the sets of the measuring data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from zorky_server.tasks.handwriting.picture import Limits, open_picture, turn
from zorky_server.tasks.handwriting.values import Layout

from .charset import loosen

NOISY = "noisy"
"""The kind of a picture that shows parts of other writing, too, or not the whole of its own."""

_PRINTED = {
    "printed_ru": ["eslav.jpg", "kd_test2.jpg", "kd_test4.jpeg", "kd_typewriter_long.jpg", "mo_street_sign.jpeg"],
    "printed_en": ["en.jpg", "en_rec.jpg", "easyocr_english.png", "issue_170.png"],
    "cursive_font_ru": ["vergotten_cursive_font.png"],
}
"""The printed pictures in scored languages; all are read as pages."""
_ONE_HAND = "en_lines"
"""All of this set's pages are by one writer."""
_ALPHABET = "kd_alphabet_page"
"""A whole page among the words."""


@dataclass(frozen=True)
class Sample:
    """One labelled picture. writer: who wrote it as far as that is known; pictures of one writer stay together when
    data is divided. kind: as in labels.tsv, may be empty."""

    name: str
    file: bytes
    truth: str
    layout: Layout
    writer: str
    kind: str = ""


@dataclass(frozen=True)
class SampleSet:
    """Pictures that are scored together."""

    name: str
    samples: Sequence[Sample]


def labelled(folder: Path) -> list[Sample]:
    """The pictures of a folder with labels.tsv (path, text, kind, writer; the last two may be missing), or, without
    one, those that have a .txt beside them. A text's layout is told by its spaces and line feeds.

    Raises FileNotFoundError where there are neither.
    """
    rows = list(_rows(folder))
    if not rows:
        raise FileNotFoundError(f"{folder} has neither labels.tsv nor pictures with .txt files beside them")
    samples = [
        Sample(path.stem, path.read_bytes(), text, layout_of(text), writer or _page(path.stem), kind)
        for path, text, kind, writer in rows
    ]
    return _same_sheets_joined(samples)


def layout_of(text: str) -> Layout:
    """What a picture with this text shows, as its sender would say it."""
    text = text.strip()
    if "\n" in text:
        return Layout.PAGE
    return Layout.LINE if " " in text else Layout.WORD


def dev_samples(dev: Path) -> list[SampleSet]:
    """The sets of the measuring data's folder: pages, lines and words of real handwriting, and print."""
    printed = {sample.name: sample for sample in _as_pages(labelled(dev / "printed"))}
    words = [sample for sample in labelled(dev / "ru_words") if sample.name != _ALPHABET]
    lines = [replace(sample, writer=_ONE_HAND) for sample in labelled(dev / "en_lines")]
    return [
        SampleSet("ru_pages", _as_pages(labelled(dev / "ru_pages" / "pages"))),
        SampleSet("ru_lines", _as_lines(labelled(dev / "ru_pages"))),
        SampleSet("ru_words", words),
        SampleSet("en_pages", _as_pages(labelled(dev / "en_pages" / "pages"))),
        SampleSet("en_lines", _as_lines(lines)),
        *(SampleSet(name, [printed[Path(file).stem] for file in files]) for name, files in _PRINTED.items()),
    ]


def turned(pages: SampleSet) -> SampleSet:
    """The pages turned by 90, 180 and 270 degrees, without loss."""
    samples = []
    for sample in pages.samples:
        pixels = open_picture(sample.file, Limits(working_side=100_000)).pixels
        for quarters in (1, 2, 3):
            file = cv2.imencode(".png", cv2.cvtColor(turn(pixels, quarters), cv2.COLOR_RGB2BGR))[1].tobytes()
            samples.append(replace(sample, name=f"{sample.name}_{90 * quarters}", file=file))
    return SampleSet(f"{pages.name}_turned", samples)


def _rows(folder: Path) -> Iterator[tuple[Path, str, str, str]]:
    if (folder / "labels.tsv").exists():
        for row in (folder / "labels.tsv").read_text(encoding="utf-8").splitlines():
            path, text, kind, writer, *_ = [*row.split("\t"), "", "", ""]
            if text:
                yield folder / path, text.replace("\\n", "\n"), kind, writer
        return
    for label in sorted(folder.glob("*.txt")):
        picture = next((path for path in sorted(folder.glob(f"{label.stem}.*")) if path != label), None)
        if picture:
            yield picture, label.read_text(encoding="utf-8").strip(), "", ""


def _page(stem: str) -> str:
    """page_07 is from the same page as page_08."""
    return re.sub(r"_\d+$", "", stem)


def _same_sheets_joined(samples: list[Sample]) -> list[Sample]:
    """A sheet that was photographed twice is one writer's."""
    texts: dict[str, str] = {}
    for sample in samples:
        texts[sample.writer] = texts.get(sample.writer, "") + " " + loosen(sample.truth)
    first = {text: min(one for one in texts if texts[one] == text) for text in texts.values()}
    return [replace(sample, writer=first[texts[sample.writer]]) for sample in samples]


def _as_pages(samples: list[Sample]) -> list[Sample]:
    return [replace(sample, layout=Layout.PAGE) for sample in samples]


def _as_lines(samples: list[Sample]) -> list[Sample]:
    return [replace(sample, layout=Layout.LINE) for sample in samples]
