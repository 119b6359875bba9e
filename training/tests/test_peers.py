"""Other systems: asked alike, timed alike, and absent without a fuss."""

import sys
from types import SimpleNamespace
from unittest.mock import Mock

import cv2
import numpy as np
import pytest

from zorky_server.tasks.handwriting.values import Layout
from zorky_training import peers
from zorky_training.peers import RapidOcr, Tesseract, compare
from zorky_training.reading import Read
from zorky_training.samples import Sample, SampleSet


def drawn(text: str, layout: Layout) -> Sample:
    picture = np.full((90, 60 + 36 * len(text), 3), 255, np.uint8)
    cv2.putText(picture, text, (30, 65), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (0, 0, 0), 3, cv2.LINE_AA)
    return Sample("drawn", cv2.imencode(".png", picture)[1].tobytes(), text, layout, "w")


class Parrot:
    """Knows the truth, and takes the seconds that it was given."""

    def __init__(self, name: str, seconds: float, layouts: tuple[Layout, ...] = tuple(Layout)) -> None:
        self.name, self.seconds, self.layouts, self.seen = name, seconds, layouts, list[str]()

    def reads(self, layout: Layout) -> bool:
        return layout in self.layouts

    def read(self, sample: Sample) -> Read:
        self.seen.append(sample.name)
        return Read(sample, sample.truth, self.seconds)


def samples(count: int, layout: Layout = Layout.LINE) -> list[Sample]:
    return [Sample(str(i), b"", "дом 5", layout, "w") for i in range(count)]


def test_all_read_the_same_pictures_spread_over_the_set() -> None:
    one, other = Parrot("one", 1.0), Parrot("other", 3.0)
    rows = compare([one, other], [SampleSet("lines", samples(50))], most=12)
    assert one.seen == other.seen == [str(i) for i in range(0, 50, 5)]
    assert [(row["system"], row["pictures"], row["ratio"]) for row in rows] == [("one", 10, 1.0), ("other", 10, 3.0)]


def test_a_system_is_not_asked_about_what_it_does_not_read() -> None:
    pages = Parrot("pages", 1.0, (Layout.PAGE,))
    sets = [SampleSet("lines", samples(2)), SampleSet("pages", samples(2, Layout.PAGE))]
    rows = compare([Parrot("all", 1.0), pages], sets, most=None)
    assert [(row["set"], row["system"]) for row in rows] == [("lines", "all"), ("pages", "all"), ("pages", "pages")]


def test_what_is_absent_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    monkeypatch.setitem(sys.modules, "easyocr", None)
    said = list[str]()
    assert list(peers.peers(said.append)) == []
    assert [line.split(":")[0] for line in said] == ["Tesseract", "RapidOCR", "EasyOCR"]


@pytest.mark.tesseract
def test_tesseract_reads_what_is_printed() -> None:
    read = Tesseract(3).read(drawn("Hello world", Layout.LINE))
    assert read.text == "Hello world"
    assert read.seconds > 0


@pytest.mark.parametrize(("texts", "text"), [(("Hello", "world"), "Hello\nworld"), (None, "")])
def test_rapidocr_gives_what_it_found_or_nothing(
    monkeypatch: pytest.MonkeyPatch, texts: tuple[str, ...] | None, text: str
) -> None:
    engine = Mock(return_value=SimpleNamespace(txts=texts))
    monkeypatch.setitem(sys.modules, "rapidocr", SimpleNamespace(RapidOCR=Mock(return_value=engine)))
    assert RapidOcr().read(drawn("Hello world", Layout.LINE)).text == text
