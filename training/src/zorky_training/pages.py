"""Synthetic pages as a phone sees them, with the place of every line: page n of a seed is always the same."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from zorky_server.tasks.handwriting.values import Picture, Quad

from .clutter import add_clutter
from .fonts import FontHand, fonts_under, printed_fonts
from .layouts import LAYOUTS, Writer
from .lines import HELD_OUT as LINES_HELD_OUT
from .lines import Sources, families
from .scene import photograph
from .scribe import Hand
from .sheet import Band, Sheet
from .traces import trace_hands

HELD_OUT = (*LINES_HELD_OUT, "Neucha", "MarckScript", "PlaypenSans", "0003", "0007", "writer-3", "writer-8")
"""Hands that pages for training never use and pages for evaluation use alone."""
_SIDEWAYS = 0.15


@dataclass(frozen=True)
class Page:
    """picture: (H, W, 3) RGB uint8. bands: the lines of text in it, in pixels of the picture."""

    picture: Picture
    bands: list[Band]

    def quads(self) -> list[Quad]:
        return [quad_of(band) for band in self.bands]


def quad_of(band: Band) -> Quad:
    """The smallest rectangle along the band's direction that holds it."""
    middle = (band.top + band.bottom) / 2
    along = middle[-1] - middle[0]
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    axes = np.array((along, (-along[1], along[0])), np.float32)
    spread = np.concatenate((band.top, band.bottom)) @ axes.T
    (left, top), (right, bottom) = spread.min(0), spread.max(0)
    return np.array(((left, top), (right, top), (right, bottom), (left, bottom)), np.float32) @ axes


class PageEngine:
    """Draws pages. Costly to build (word lists, fonts), so build one a process. held_out: use only HELD_OUT hands."""

    def __init__(self, sources: Sources, seed: int, held_out: bool = False) -> None:
        self._seed = seed
        written: list[Hand] = [FontHand(path) for path in fonts_under(sources.fonts)]
        if sources.data:
            written += [FontHand(path) for path in fonts_under(sources.data / "fonts")]
            written += trace_hands(sources.data / "ru_traces.jsonl.gz")
        hands = families([hand for hand in written if hand.name.startswith(HELD_OUT) == held_out])
        if not hands:
            raise ValueError(f"no fonts under {sources.fonts}: run `zorky-train fonts`")
        printed = [FontHand(path, printed=True) for path in printed_fonts()]
        self._writer = Writer(hands, printed or hands[0])

    def page(self, number: int) -> Page:
        """Page `number`: 800 to 1500 pixels on its longer side."""
        rng = np.random.default_rng((self._seed, number))
        longest = rng.integers(800, 1500)
        other = int(longest * rng.uniform(0.6, 0.8))
        size = (other, int(longest)) if rng.random() < 0.75 else (int(longest), other)
        sheet = Sheet(*size, rng)
        layout = list(LAYOUTS)[int(rng.choice(len(LAYOUTS), p=list(LAYOUTS.values())))]
        layout(self._writer, sheet)
        add_clutter(sheet)
        picture, bands = photograph(sheet.canvas, sheet.bands, size, rng, float(rng.random()))
        return _turned(Page(picture, bands), rng)


def _turned(page: Page, rng: Generator) -> Page:
    """Some pages on their side or head."""
    quarters = int(rng.integers(1, 4)) if rng.random() < _SIDEWAYS else 0
    for _ in range(quarters):
        height = page.picture.shape[0]

        def turn(points: np.ndarray, height: int = height) -> np.ndarray:
            return np.stack((height - points[:, 1], points[:, 0]), 1)

        bands = [band.moved(turn(band.top), turn(band.bottom)) for band in page.bands]
        page = Page(np.ascontiguousarray(np.rot90(page.picture, -1)), bands)
    return page


def contact_sheet(engine: PageEngine, count: int, start: int = 0) -> Picture:
    """Pages side by side with their quads drawn."""
    tiles = []
    for number in range(start, start + count):
        page = engine.page(number)
        shown = page.picture.copy()
        for quad in page.quads():
            cv2.polylines(shown, [np.round(quad).astype(np.int32)], True, (255, 40, 40), 2)
        scale = 480 / max(shown.shape[:2])
        small = cv2.resize(shown, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        tile = np.full((480, 480, 3), 255, np.uint8)
        tile[: small.shape[0], : small.shape[1]] = small
        tiles.append(tile)
    width = 4
    tiles += [np.full((480, 480, 3), 255, np.uint8)] * (-len(tiles) % width)
    return np.concatenate([np.concatenate(tiles[i : i + width], 1) for i in range(0, len(tiles), width)])


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("pages", help="draw a contact sheet of synthetic pages with their lines marked")
    parser.add_argument("output", type=Path, help="PNG to write")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="folder with handwriting fonts")
    parser.add_argument("--data", type=Path, help="folder with more hands: fonts/ and ru_traces.jsonl.gz")
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="the hands kept for evaluation")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    engine = PageEngine(Sources(arguments.fonts, arguments.data), arguments.seed, arguments.held_out)
    cv2.imwrite(str(arguments.output), contact_sheet(engine, arguments.count)[:, :, ::-1])
