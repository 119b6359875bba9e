"""Fonts as writing hands: outlines read once, then set letter by letter with jitter."""

from __future__ import annotations

import argparse
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]  # has no types
from numpy.random import Generator

from .compose import compose
from .glyphs import Glyph, linked, resampled
from .ink import Ink, Pen, Points, draw
from .manner import Manner
from .outlines import outline, simplified, wound
from .skeleton import paths, thinned

HANDWRITING_PACKAGES = (
    "caveat", "bad-script", "marck-script", "neucha", "shantell-sans", "pangolin", "amatic-sc", "great-vibes",
    "comforter", "pacifico", "balsamiq-sans", "playpen-sans", "yomogi", "klee-one", "hachi-maru-pop", "zen-kurenaido",
    "lobster",
)  # fmt: skip
"""Families of the npm scope @expo-google-fonts with Cyrillic and Latin, all under the Open Font License."""

LATIN_PACKAGES = (
    "architects-daughter", "cedarville-cursive", "covered-by-your-grace", "dancing-script", "dekko", "delius", "gaegu",
    "gloria-hallelujah", "herr-von-muellerhoff", "homemade-apple", "indie-flower", "just-me-again-down-here", "kalam",
    "la-belle-aurore", "loved-by-the-king", "mansalva", "merienda", "mynerve", "nothing-you-could-do", "patrick-hand",
    "reenie-beanie", "rock-salt", "sacramento", "satisfy", "seaweed-script", "shadows-into-light", "sriracha", "vibur",
    "waiting-for-the-sunrise", "yusei-magic", "zeyada",
)  # fmt: skip
"""Handwriting without Cyrillic, of the same scope and licence."""

BOOK_PACKAGES = (
    "alegreya", "charis-sil", "cormorant", "cormorant-infant", "gentium-plus", "literata", "lora", "philosopher",
    "playfair-display",
)  # fmt: skip
"""Book faces whose Cyrillic italics have the letter forms of cursive: only those cuts are used."""

PRINTED_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
_PRINTED_NAMES = ("DejaVu", "Liberation", "PT", "Noto", "Free")
_NO_POINTS: Points = np.zeros((0, 2), np.float32)
_NO_INK: Points = np.zeros((1, 2), np.float32)
_CAPITALS_ONLY = ("Amatic", "RockSalt")
_BOOK_FAMILIES = frozenset(name.replace("-", "") for name in BOOK_PACKAGES)
_THIN_ITALICS = ("300Light_Italic", "400Regular_Italic")
_SKELETON_SCALE = 32
"""Pixels an x-height, at which letters are thinned."""
_SPUR = 0.16
"""X-heights: shorter side lines are corners of the outline and no strokes."""
_MOST_BEARING = 0.25
"""X-heights of empty space on either side of a letter: East Asian fonts set every letter in a square."""


class Letter(NamedTuple):
    """A glyph in x-heights: how far it carries, the points of all its contours, and how many each contour has."""

    advance: float
    points: Points
    lengths: list[int]


class FontHand:
    """Writes with the letters of one font file."""

    def __init__(self, path: Path, printed: bool = False) -> None:
        self.name = path.stem
        self.printed = printed
        self.capitals_only = path.name.startswith(_CAPITALS_ONLY)
        self._font = TTFont(path, lazy=True)
        self._glyphs = self._font.getGlyphSet()
        self._names: dict[int, str] = self._font.getBestCmap() or {}
        self._letters: dict[str, Letter] = {}
        self._glyphs_by_pen: dict[str, Glyph] = {}
        self._unit = self._x_height()

    def covers(self, text: str) -> bool:
        return all(character == " " or ord(character) in self._names for character in text)

    def write(self, text: str, rng: Generator, jitter: float, manner: Manner | None = None) -> Ink:
        """Sets a line in the font's own outlines, or writes it with a pen; jitter 0 is what the font's maker drew."""
        manner = manner or Manner.random(rng, jitter)
        if manner.outlined:
            return self._typeset(text, rng, jitter)
        return compose(text, lambda word: [self._written(character, manner, rng) for character in word], manner, rng)

    def _written(self, character: str, manner: Manner, rng: Generator) -> Glyph:
        (glyph,) = self.samples(character)
        if rng.random() >= manner.linking:
            glyph = glyph._replace(joins=(False, False))
        return manner.formed(character, glyph, rng) if manner.linking else glyph

    def samples(self, character: str) -> list[Glyph]:
        """The letter as a pen would write it: along the middle of what the font fills."""
        if character not in self._glyphs_by_pen:
            glyph = _skeleton(self._letter(character))
            self._glyphs_by_pen[character] = linked(glyph) if character.islower() else glyph
        return [self._glyphs_by_pen[character]]

    def _typeset(self, text: str, rng: Generator, jitter: float) -> Ink:
        letters = [self._letter(character) for character in text if character != " "]
        spacing = rng.normal(0, 0.05) * jitter + (abs(rng.normal(0, 0.12)) if rng.random() < 0.2 else 0.0)
        gap = rng.uniform(0.5, 1.8) if rng.random() < 0.8 else rng.uniform(1.8, 3.5)
        if jitter and rng.random() < 0.06:
            spacing += rng.uniform(0.2, 0.9)
        gap = (0.6 if self.printed else gap) + 2 * max(spacing, 0)
        stretch = rng.uniform(0.85, 1.25) * (rng.uniform(1.2, 1.7) if jitter and rng.random() < 0.06 else 1)
        lefts, cursor, drawn = [], 0.0, iter(letters)
        for character, loose in zip(text, rng.standard_normal(len(text)).tolist(), strict=True):
            if character == " ":
                cursor += gap * (1 + 0.12 * min(max(loose, -2), 2))
            else:
                lefts.append(cursor)
                cursor += next(drawn).advance + spacing + jitter * 0.025 * loose
        points = _jittered(letters, np.array(lefts, np.float32), rng, jitter) * np.array((stretch, 1), np.float32)
        return Ink(_cut(points, letters), width=cursor * stretch)

    def _letter(self, character: str) -> Letter:
        if character not in self._letters:
            self._letters[character] = self._read(character)
        return self._letters[character]

    def _read(self, character: str) -> Letter:
        glyph = self._glyphs[self._names[ord(character)]]
        flip = np.array((1, -1), np.float32) / self._unit
        contours = wound([simplified(contour * flip) for contour in outline(self._glyphs, glyph)])
        points = np.concatenate([*contours, _NO_POINTS])
        advance = glyph.width / self._unit
        if len(points) and not self.printed:
            left, right = float(points[:, 0].min()), float(points[:, 0].max())
            advance -= max(0.0, left - _MOST_BEARING) + max(0.0, advance - right - _MOST_BEARING)
            points = points - np.array((max(0.0, left - _MOST_BEARING), 0), np.float32)
        return Letter(advance, points, [len(path) for path in contours])

    def _x_height(self) -> float:
        """Font units of a small letter's height."""
        for character in "охox":
            if ord(character) in self._names:
                contours = outline(self._glyphs, self._glyphs[self._names[ord(character)]])
                if contours:
                    return float(np.ptp(np.concatenate(contours)[:, 1]))
        raise ValueError(f"the font {self.name} has no small letters")


def _skeleton(letter: Letter) -> Glyph:
    """A letter's centre lines; its bearings are those of the font, so that script faces stay joined."""
    if not len(letter.points):
        return Glyph([_NO_INK], (0.0, letter.advance))
    corner = letter.points.min(0) - np.float32(2 / _SKELETON_SCALE)
    width, height = np.ceil(np.ptp(letter.points, axis=0) * _SKELETON_SCALE + 4).astype(int).tolist()
    origin = -corner * np.float32(_SKELETON_SCALE)
    mask = draw(
        Ink(_cut(letter.points, [letter])), Pen(0, 0, 0), _SKELETON_SCALE, tuple(origin.tolist()), (height, width)
    )
    found = paths(thinned(mask), _SPUR * _SKELETON_SCALE)
    strokes = [resampled(path / np.float32(_SKELETON_SCALE)) + corner for path in found]
    left, right = min(path[:, 0].min() for path in strokes), max(path[:, 0].max() for path in strokes)
    strokes = [path - np.array((left, 0), np.float32) for path in strokes]
    return Glyph(strokes, (float(left), float(letter.advance - right)))


def _jittered(letters: Sequence[Letter], lefts: Points, rng: Generator, jitter: float) -> Points:
    """All letters' points, each letter a little larger or smaller, turned, higher or lower, with its left edge put."""
    turn, lean, wide, tall, shift = (
        jitter * np.array((0.035, 0.035, 0.05, 0.05, 0.03)) * rng.standard_normal((len(letters), 5))
    ).astype(np.float32).T  # fmt: skip
    per_letter = np.stack((1 + wide, lean - turn, lefts, turn, 1 + tall, shift))
    xx, xy, x0, yx, yy, y0 = np.repeat(per_letter, [len(letter.points) for letter in letters], axis=1)
    x, y = np.concatenate([letter.points for letter in letters] or [_NO_POINTS]).T
    return np.stack((x * xx + y * xy + x0, x * yx + y * yy + y0), 1)


def _cut(points: Points, letters: Sequence[Letter]) -> list[list[Points]]:
    """The points of a line as the contours of its letters."""
    ends = np.cumsum([length for letter in letters for length in letter.lengths]).tolist()
    contours = iter([points[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)])
    return [[next(contours) for _ in letter.lengths] for letter in letters]


def fetch(folder: Path) -> None:
    """Installs the handwriting families into `folder` with npm.

    Raises FileNotFoundError when npm is missing, CalledProcessError when it fails.
    """
    if shutil.which("npm") is None:
        raise FileNotFoundError("npm is needed to fetch fonts (apt install npm)")
    names = HANDWRITING_PACKAGES + LATIN_PACKAGES + BOOK_PACKAGES
    packages = [f"@expo-google-fonts/{name}" for name in names]
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages], check=True)


@cache
def fonts_under(folder: Path) -> tuple[Path, ...]:
    """Font files below a folder, of book faces the thin italics alone, in the order of their names: seeds need one."""
    return tuple(sorted(filter(_is_hand, folder.rglob("*.[to]tf")), key=lambda path: path.name))


def _is_hand(path: Path) -> bool:
    family, _, cut = path.stem.partition("_")
    return family.lower() not in _BOOK_FAMILIES or cut in _THIN_ITALICS


def printed_fonts(folders: Iterable[Path] = PRINTED_FOLDERS) -> list[Path]:
    """The system's text faces that hold both scripts."""
    found = (path for folder in folders if folder.is_dir() for path in fonts_under(folder))
    return [path for path in found if path.name.startswith(_PRINTED_NAMES)]


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("fonts", help="install the handwriting fonts (needs npm)")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="folder to install into")
    parser.set_defaults(run=lambda arguments: fetch(arguments.fonts))
