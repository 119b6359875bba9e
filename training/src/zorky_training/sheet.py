"""A flat sheet of paper: rules, writing and all that is not writing, with the place of each line of text."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .ink import Ink, Mask, Pen, Points, draw

Canvas = NDArray[np.float32]
"""(H, W, 3) RGB, 0 to 255."""

_EDGE_POINTS = 9
_OUTLIERS = 0.004
"""Part of a line's points above and below its band: the tip of one long tail does not make the whole line higher."""


@dataclass(frozen=True)
class Band:
    """A line of text on a page: its text, and its upper and lower edge as two polylines (n, 2) in reading direction."""

    text: str
    top: Points
    bottom: Points

    def moved(self, top: Points, bottom: Points) -> Band:
        return Band(self.text, top, bottom)


@dataclass(frozen=True)
class Stain:
    """How ink lies on paper."""

    colour: tuple[float, float, float]
    opacity: float
    grain: float
    """0 smooth ink, 1 pencil on rough paper."""

    @classmethod
    def random(cls, rng: Generator) -> Stain:
        kind = rng.random()
        if kind < 0.5:
            colour = (rng.uniform(5, 80), rng.uniform(10, 100), rng.uniform(80, 200))
        elif kind < 0.8:
            colour = (*(rng.uniform(0, 60) + rng.uniform(0, 20, 3)).tolist(),)
        elif kind < 0.92:
            grey = rng.uniform(60, 120)
            return cls((grey, grey, grey + 5), rng.uniform(0.4, 0.85), rng.uniform(0.3, 0.9))
        else:
            colour = (*rng.uniform(0, 170, 3).tolist(),)
        return cls(colour, rng.uniform(0.6, 1.0), rng.uniform(0, 0.3))


class Sheet:
    """Paper that is written on."""

    def __init__(self, width: int, height: int, rng: Generator) -> None:
        self.width, self.height, self.rng = width, height, rng
        self.bands: list[Band] = []
        white = rng.uniform(190, 250)
        tint = 1 - np.abs(rng.normal(0, 0.03, 3)) if rng.random() < 0.85 else rng.uniform(0.65, 1, 3)
        self.canvas: Canvas = np.empty((height, width, 3), np.float32)
        self.canvas[:] = (white * tint).astype(np.float32)

    def write(self, ink: Ink, text: str, x_height: float, origin: tuple[float, float], pen: Pen, stain: Stain) -> None:
        """Puts a line of ink down, x_height in pixels, the baseline's start at origin, and remembers its band."""
        points = ink.points() * np.float32(x_height) + np.array(origin, np.float32)
        if not len(points):
            return
        self.stamp(ink, x_height, origin, pen, stain)
        band = band_of(text, points)
        limit = np.array((self.width - 1, self.height - 1), np.float32)
        self.bands.append(band.moved(np.clip(band.top, 0, limit), np.clip(band.bottom, 0, limit)))

    def stamp(self, ink: Ink, x_height: float, origin: tuple[float, float], pen: Pen, stain: Stain) -> None:
        """Puts ink down that is not to be found: drawings, crossings-out, what shines through."""
        points = ink.points() * np.float32(x_height) + np.array(origin, np.float32)
        pad = 3 + 2 * pen.width * x_height
        left, top = np.floor(np.maximum(points.min(0) - pad, 0)).astype(int).tolist()
        right, bottom = np.ceil(np.minimum(points.max(0) + pad, (self.width, self.height))).astype(int).tolist()
        if right - left < 2 or bottom - top < 2:
            return
        mask = draw(ink, pen, x_height, (origin[0] - left, origin[1] - top), (bottom - top, right - left))
        self.stain(mask, left, top, stain)

    def stain(self, mask: Mask, left: int, top: int, stain: Stain) -> None:
        area = self.canvas[top : top + mask.shape[0], left : left + mask.shape[1]]
        cover = mask.astype(np.float32) * np.float32(stain.opacity / 255)
        if stain.grain > 0:
            noise = self.rng.standard_normal(mask.shape, np.float32)
            cover *= np.clip(1 - stain.grain * (0.3 + 0.35 * noise), 0, 1)
        area += cover[:, :, None] * (np.array(stain.colour, np.float32) * (area.mean() / 255 * 1.05) - area)

    def rule(self, pitch: float, start: float) -> None:
        """Prints rules, squares or slanted school lines, `pitch` pixels apart, one of them at row `start`."""
        kind = self.rng.choice(("ruled", "squared", "squared", "slanted"))
        colour = np.array(
            ((150, 170, 220), (160, 160, 175), (150, 190, 180), (200, 160, 190))[int(self.rng.integers(4))], np.float32
        )
        lines = np.zeros((self.height, self.width), np.uint8)
        thick = 1 if pitch < 40 else int(self.rng.integers(1, 3))
        if kind == "squared":
            pitch /= 2
            for column in np.arange(self.rng.uniform(0, pitch), self.width, pitch):
                cv2.line(lines, (round(column), 0), (round(column), self.height), 255, thick)
        if kind == "slanted":
            for column in np.arange(-0.5 * self.height, self.width, pitch * self.rng.uniform(2, 4)):
                cv2.line(
                    lines, (round(column + 0.45 * self.height), 0), (round(column), self.height), 255, 1, cv2.LINE_AA
                )
        for row in np.arange(start % pitch, self.height, pitch):
            cv2.line(lines, (0, round(row)), (self.width, round(row)), 255, thick)
        strength = self.rng.uniform(0.2, 0.9)
        self.canvas += (lines[:, :, None] * np.float32(strength / 255)) * (colour - self.canvas)

    def margin(self) -> float:
        """Prints the red line of a school notebook; returns its column."""
        column = self.width * (
            self.rng.uniform(0.06, 0.14) if self.rng.random() < 0.3 else self.rng.uniform(0.84, 0.93)
        )
        end = column + self.rng.normal(0, 2)
        colour = self.rng.uniform((180, 60, 60), (240, 130, 140)).tolist()
        cv2.line(
            self.canvas,
            (round(column), 0),
            (round(end), self.height),
            colour,
            int(self.rng.integers(1, 3)),
            cv2.LINE_AA,
        )
        return float(column)


def band_of(text: str, points: Points) -> Band:
    """The band of a line along its own direction, found by least squares where the line is long enough."""
    centre = points.mean(0)
    spread = points - centre
    reach = float(np.ptp(points[:, 0]))
    slope = 0.0
    if reach > 5 * float(np.ptp(points[:, 1])):
        slope = float((spread[:, 0] @ spread[:, 1]) / (spread[:, 0] @ spread[:, 0]))
    rows = spread[:, 1] - slope * spread[:, 0]
    low, high = np.quantile(rows, (_OUTLIERS, 1 - _OUTLIERS))
    across = np.linspace(spread[:, 0].min(), spread[:, 0].max(), _EDGE_POINTS)
    top, bottom = (np.stack((across, slope * across + edge), 1) + centre for edge in (low, high))
    return Band(text, top.astype(np.float32), bottom.astype(np.float32))
