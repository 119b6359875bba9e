"""Fonts as writing hands: outlines read once, then set letter by letter with jitter."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from fontTools.pens.recordingPen import DecomposingRecordingPen  # type: ignore[import-untyped]  # has no types
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # has no types
from numpy.random import Generator

from .ink import Ink, Points

HANDWRITING_PACKAGES = (
    "caveat", "bad-script", "marck-script", "neucha", "shantell-sans", "pangolin", "amatic-sc", "great-vibes",
    "comforter", "pacifico", "balsamiq-sans", "playpen-sans",
)  # fmt: skip
"""Families of the npm scope @expo-google-fonts with Cyrillic and Latin, all under the Open Font License."""

PRINTED_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_PRINTED_NAMES = ("DejaVu", "Liberation", "PT", "Noto", "Free")
_AT: Points = np.arange(1, 6, dtype=np.float32)[:, None] / np.float32(5)
_BERNSTEIN: dict[int, Points] = {
    3: np.hstack(((1 - _AT) ** 2, 2 * (1 - _AT) * _AT, _AT**2)),
    4: np.hstack(((1 - _AT) ** 3, 3 * (1 - _AT) ** 2 * _AT, 3 * (1 - _AT) * _AT**2, _AT**3)),
}
"""Bernstein polynomials at five parameters, by the number of control points."""
_CAPITALS_ONLY = ("Amatic",)


class FontHand:
    """Writes with the letters of one font file."""

    def __init__(self, path: Path, printed: bool = False) -> None:
        self.name = path.stem
        self.printed = printed
        self.capitals_only = path.name.startswith(_CAPITALS_ONLY)
        self._font = TTFont(path, lazy=True)
        self._glyphs = self._font.getGlyphSet()
        self._names: dict[int, str] = self._font.getBestCmap() or {}
        self._letters: dict[str, tuple[float, list[Points]]] = {}
        self._unit = self._x_height()

    def covers(self, text: str) -> bool:
        return all(character == " " or ord(character) in self._names for character in text)

    def write(self, text: str, rng: Generator, jitter: float) -> Ink:
        """Sets a line; jitter 0 is what the font's maker drew, 1 a restless hand."""
        ink, cursor = Ink(), 0.0
        spacing = rng.normal(0, 0.05) * jitter + (abs(rng.normal(0, 0.12)) if rng.random() < 0.2 else 0.0)
        gap = rng.uniform(0.5, 1.8) if rng.random() < 0.8 else rng.uniform(1.8, 3.5)
        if jitter and rng.random() < 0.06:
            spacing += rng.uniform(0.2, 0.9)
        gap += 2 * max(spacing, 0)
        stretch = rng.uniform(0.85, 1.25) * (rng.uniform(1.2, 1.7) if jitter and rng.random() < 0.06 else 1)
        for character in text:
            if character == " ":
                cursor += (0.6 + 2 * max(spacing, 0) if self.printed else gap) * rng.uniform(0.8, 1.25)
                continue
            advance, contours = self._letter(character)
            turned = _jittered(contours, rng, jitter) if jitter else contours
            offset = np.array((cursor, 0), np.float32)
            ink.fills.append([path * np.array((stretch, 1), np.float32) + offset for path in turned])
            cursor += (advance + spacing + jitter * rng.normal(0, 0.025)) * stretch
        ink.width = cursor
        return ink

    def _letter(self, character: str) -> tuple[float, list[Points]]:
        if character not in self._letters:
            glyph = self._glyphs[self._names[ord(character)]]
            flip = np.array((1, -1), np.float32) / self._unit
            self._letters[character] = (glyph.width / self._unit, [c * flip for c in _outline(self._glyphs, glyph)])
        return self._letters[character]

    def _x_height(self) -> float:
        """Font units of a small letter's height."""
        for character in "охox":
            if ord(character) in self._names:
                contours = _outline(self._glyphs, self._glyphs[self._names[ord(character)]])
                if contours:
                    return float(np.ptp(np.concatenate(contours)[:, 1]))
        raise ValueError(f"the font {self.name} has no small letters")


def _jittered(contours: list[Points], rng: Generator, jitter: float) -> list[Points]:
    """A letter of its own: a little larger or smaller, turned, higher or lower."""
    turn, lean = rng.normal(0, 0.035, 2) * jitter
    wide, tall = 1 + rng.normal(0, 0.05, 2) * jitter
    matrix = np.array(((wide, turn), (lean - turn, tall)), np.float32)
    shift = np.array((0, rng.normal(0, 0.03) * jitter), np.float32)
    return [path @ matrix + shift for path in contours]


def _outline(glyphs: object, glyph: object) -> list[Points]:
    """The contours of a glyph in font units, curves cut into short lines."""
    pen = DecomposingRecordingPen(glyphs)
    glyph.draw(pen)  # type: ignore[attr-defined]  # fontTools is untyped
    contours: list[list[Points]] = []
    for verb, operands in pen.value:
        if verb == "moveTo":
            contours.append([np.array(operands, np.float32)])
        elif verb == "lineTo":
            contours[-1].append(np.array(operands, np.float32))
        elif verb in ("qCurveTo", "curveTo") and operands[-1] is not None:
            contours[-1].append(_curve(contours[-1][-1][-1], operands, verb))
    return [np.concatenate(parts) for parts in contours if sum(map(len, parts)) > 2]


def _curve(start: Points, operands: tuple[tuple[float, float], ...], verb: str) -> Points:
    points = np.array(operands, np.float32)
    if verb == "curveTo":
        return _bezier(np.stack((start, *points)))
    between = (points[:-2] + points[1:-1]) / 2
    pieces, ends = [], [*between, points[-1]]
    for control, end in zip(points[:-1], ends, strict=True):
        pieces.append(_bezier(np.stack((start, control, end))))
        start = end
    return np.concatenate(pieces)


def _bezier(controls: Points) -> Points:
    """Points on a quadratic or cubic curve at evenly spaced parameters, the start left out."""
    return _BERNSTEIN[len(controls)] @ controls


def fetch(folder: Path) -> None:
    """Installs the handwriting families into `folder` with npm.

    Raises FileNotFoundError when npm is missing, CalledProcessError when it fails.
    """
    if shutil.which("npm") is None:
        raise FileNotFoundError("npm is needed to fetch fonts (apt install npm)")
    packages = [f"@expo-google-fonts/{name}" for name in HANDWRITING_PACKAGES]
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages], check=True)


@cache
def fonts_under(folder: Path) -> tuple[Path, ...]:
    """Font files below a folder, sorted by name so that seeds mean the same everywhere."""
    return tuple(sorted((path for path in folder.rglob("*.[to]tf")), key=lambda path: path.name))


def printed_fonts(folders: Iterable[Path] = PRINTED_FOLDERS) -> list[Path]:
    """The system's text faces that hold both scripts."""
    found = (path for folder in folders if folder.is_dir() for path in fonts_under(folder))
    return [path for path in found if path.name.startswith(_PRINTED_NAMES)]


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("fonts", help="install the handwriting fonts (needs npm)")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="folder to install into")
    parser.set_defaults(run=lambda arguments: fetch(arguments.fonts))
