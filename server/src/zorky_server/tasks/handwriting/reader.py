"""Reads a picture in stages. A generator: it yields what the models shall run, so that anyone can drive it.

file ─ open ─▶ picture ─ detector ─▶ lines ─ turn upright ─▶ strips ─ recogniser ─▶ words
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from .decoding import LineDecoder
from .lines import crop, mostly_vertical, reading_order
from .looking import lines_of
from .model import HandwritingModel
from .picture import Limits, OpenedPicture, open_picture, turn
from .placing import line_height, quad_of_whole, skew_degrees, to_viewed
from .strip import MAX_WIDTH, WIDTH_STEP, Geometry, padded_width, strip_from_crop, strip_tensor
from .values import (
    Ask,
    Layout,
    Line,
    ModelCall,
    Notice,
    Outputs,
    Picture,
    Quad,
    Reading,
    ReadOptions,
    Steps,
    WarningCode,
)
from .words import CutLine, WordReader, path_score

_SAMPLES = 4
"""Lines by which it is told whether a page stands upright: the longest ones."""
_SURE = 0.9
"""A path score beyond which text stands upright for certain: even clear print read upside down stays below 0.85."""
_UPRIGHT_BONUS = 0.12
"""Path score, shared among the lines asked: one word must speak louder than four lines for turning a page, because
people seldom photograph upside down."""
_CLEAR_LEAD = 0.2
"""Path score by which two lines read better one way than the other, so that no more are asked."""
_SMALL = 20.0
"""Pixels: lower lines cannot be read well."""


@dataclass(frozen=True, slots=True)
class _Page:
    """A picture turned by `quarters` quarter turns clockwise, and its lines in reading order."""

    pixels: Picture
    quarters: int
    cuts: list[CutLine]
    read: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    """Frames of the lines already read, by the line's number."""


class Reader:
    """Reads handwriting with one model. Keeps nothing between readings."""

    def __init__(self, model: HandwritingModel, limits: Limits) -> None:
        self.identity = model.identity
        self.languages = model.languages
        self.limits = limits
        decoder = LineDecoder(model.charset, model.language_model, model.weights)
        self._words = WordReader(model.charset, decoder, model.calibration, model.geometry)
        self._geometry = model.geometry

    def read(self, file: bytes, options: ReadOptions) -> Steps:
        """Steps from the bytes of a picture file to its Reading. Raises BadPicture at its first step."""
        opened = open_picture(file, self.limits)
        yield Ask("decode")
        if options.layout is Layout.PAGE:
            page = yield from _upright_page(opened.pixels, self._geometry)
        else:
            page = _Page(opened.pixels, 0, [_cut(opened.pixels, quad_of_whole(opened.pixels), self._geometry)])
        frames = yield from _recognized(page)
        return _reading(opened, page, self._words.lines(page.cuts, frames, options), options)

    def bucket_calls(self) -> list[ModelCall]:
        """An empty strip of every width that the recogniser is ever given: a GPU makes itself ready shape by shape."""
        widths = range(WIDTH_STEP, MAX_WIDTH + 1, WIDTH_STEP)
        return [_strip_call(np.full((self._geometry.height, width, 3), 255, np.uint8)) for width in widths]


def warm_up_picture() -> bytes:
    """A picture file of a written line, drawn here: reading it takes every stage through its models."""
    page = np.full((240, 640, 3), 235, np.uint8)
    cv2.putText(page, "Zorky 2026", (60, 140), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 3.0, (60, 40, 30), 4, cv2.LINE_AA)
    return cv2.imencode(".png", page)[1].tobytes()


def _upright_page(pixels: Picture, geometry: Geometry) -> Generator[Ask, Outputs, _Page]:
    """Finds the lines; where they stand sideways or upside down, turns the picture and finds them anew."""
    page = yield from _found(pixels, 0, geometry)
    if not page.cuts:
        return page
    sideways = mostly_vertical([cut.quad for cut in page.cuts])
    upside_down = yield from _upside_down(page, 0.0 if sideways else _UPRIGHT_BONUS)
    quarters = (3 if sideways else 0) + (2 if upside_down else 0)
    return (yield from _found(pixels, quarters % 4, geometry)) if quarters else page


def _found(pixels: Picture, quarters: int, geometry: Geometry) -> Generator[Ask, Outputs, _Page]:
    turned = turn(pixels, quarters)
    quads = [line.quad for line in (yield from lines_of(turned))]
    return _Page(turned, quarters, [_cut(turned, quads[i], geometry) for i in reading_order(quads)])


def _cut(pixels: Picture, quad: Quad, geometry: Geometry) -> CutLine:
    return CutLine(quad, strip_from_crop(crop(pixels, quad), geometry))


def _upside_down(page: _Page, bonus: float) -> Generator[Ask, Outputs, bool]:
    """Whether the longest lines read better when turned by 180 degrees. Keeps what was read of them as they stand."""
    longest = sorted(range(len(page.cuts)), key=lambda i: -page.cuts[i].strip.shape[1])[:_SAMPLES]
    strips = [page.cuts[i].strip for i in longest]
    frames = yield Ask("detect", [_strip_call(strip) for strip in strips])
    page.read.update(zip(longest, frames, strict=True))
    scores = [path_score(one) for one in frames]
    if np.mean(scores) >= _SURE:
        return False
    leads: list[float] = []
    while len(leads) < len(strips) and abs(_mean(leads)) < _CLEAR_LEAD:
        two = slice(len(leads), len(leads) + 2)
        frames = yield Ask("detect", [_strip_call(strip[::-1, ::-1]) for strip in strips[two]])
        leads += [path_score(one) - score for one, score in zip(frames, scores[two], strict=True)]
    return _mean(leads) > bonus / len(leads)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / max(1, len(numbers))


def _recognized(page: _Page) -> Generator[Ask, Outputs, list[NDArray[np.float32]]]:
    """The frames of all lines, in their order."""
    rest = [i for i in range(len(page.cuts)) if i not in page.read]
    frames = yield Ask("recognize", [_strip_call(page.cuts[i].strip) for i in rest])
    known = page.read | dict(zip(rest, frames, strict=True))
    return [known[i] for i in range(len(page.cuts))]


def _strip_call(strip: Picture) -> ModelCall:
    height, width = strip.shape[:2]
    padded = padded_width(width)
    return ModelCall("recognizer", (height, padded), height * padded, height * width, strip_tensor(strip, padded))


def _reading(opened: OpenedPicture, page: _Page, lines: list[Line], options: ReadOptions) -> Reading:
    upright_quads = [cut.quad for cut in page.cuts]
    return Reading(
        width=opened.width,
        height=opened.height,
        rotation=90 * page.quarters,
        skew=skew_degrees(upright_quads) if options.layout is Layout.PAGE else None,
        lines=tuple(to_viewed(line, page.quarters, opened) for line in lines),
        warnings=tuple(_notices(opened, page, lines)),
    )


def _notices(opened: OpenedPicture, page: _Page, lines: list[Line]) -> Generator[Notice]:
    if opened.scale > 1:
        height, width = opened.pixels.shape[:2]
        size = f"{width} x {height}" if page.quarters % 2 == 0 else f"{height} x {width}"
        yield Notice(WarningCode.DOWNSCALED, f"the picture was made smaller before reading, to {size} pixels")
    if page.quarters:
        yield Notice(WarningCode.TURNED, f"the picture was turned by {90 * page.quarters} degrees clockwise to be read")
    if not lines:
        yield Notice(WarningCode.NOTHING_FOUND, "no text was found")
    elif (height := line_height([line.quad for line in lines]) * opened.scale) < _SMALL:
        yield Notice(WarningCode.LOW_RESOLUTION, f"lines are {height:.0f} pixels high: photograph the text closer")
