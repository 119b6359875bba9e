"""What is on pages and is not text: drawings, crossings-out, frames, stains, holes, what shines through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.random import Generator

from .ink import Ink, Pen, Points
from .sheet import Band, Sheet, Stain

if TYPE_CHECKING:  # the style is only named here; layouts imports this module
    from .layouts import Style


def add_clutter(sheet: Sheet) -> None:
    """Adds some of everything, away from the text where it would hide it."""
    rng = sheet.rng
    for share, add in ((0.35, _drawing), (0.2, _drawing), (0.12, _frame), (0.15, _holes), (0.15, _spots), (0.2, _bleed),
                       (0.15, _scribble), (0.12, _rule_off)):  # fmt: skip
        if rng.random() < share:
            add(sheet)


def strike_out(sheet: Sheet, band: Band, style: Style) -> None:
    """Crosses out a part of a line in its own ink, with one stroke or a thick zigzag."""
    rng = sheet.rng
    middle = (band.top + band.bottom) / 2
    begin = rng.uniform(0, 0.8)
    end = min(1.0, begin + rng.uniform(0.08, 0.4))
    at = np.linspace(begin, end, 24 if rng.random() < 0.5 else 4) * (len(middle) - 1)
    path = np.stack([np.interp(at, np.arange(len(middle)), middle[:, axis]) for axis in (0, 1)], 1)
    path[:, 1] += rng.normal(0, 0.22, len(path)) * style.x_height
    sheet.stamp(
        Ink(strokes=[(path / style.x_height).astype(np.float32)]), style.x_height, (0, 0), style.pen, style.stain
    )


def _drawing(sheet: Sheet) -> None:
    """A doodle where there is room: loops, a spiral, a flower, axes with a curve, an arrow, a house."""
    rng = sheet.rng
    size = sheet.height * rng.uniform(0.05, 0.25)
    place = _free_place(sheet, size)
    if place is None:
        return
    makers = (_loops, _spiral, _star, _axes, _arrow, _polygon)
    paths = makers[int(rng.integers(len(makers)))](rng)
    pen = Pen(float(rng.uniform(0.008, 0.03)), 0.2, 0.0)
    sheet.stamp(Ink(strokes=paths), size, place, pen, Stain.random(rng))


def _free_place(sheet: Sheet, size: float) -> tuple[float, float] | None:
    """The middle of a spot of about `size` pixels that touches no line, if a few tries find one."""
    points = [np.concatenate((band.top, band.bottom)) for band in sheet.bands]
    boxes = [(*p.min(0), *p.max(0)) for p in points]
    for _ in range(12):
        x, y = sheet.rng.uniform((0, 0), (sheet.width, sheet.height))
        if not any(x0 - size < x < x1 + size and y0 - size < y < y1 + size for x0, y0, x1, y1 in boxes):
            return float(x), float(y)
    return None


def _loops(rng: Generator) -> list[Points]:
    at = np.linspace(0, rng.uniform(4, 14) * np.pi, 160)
    a, b = rng.uniform(0.5, 2.5, 2)
    path = np.stack((np.sin(a * at), np.cos(b * at + 1)), 1) * rng.uniform(0.3, 0.9, 2)
    return [path.astype(np.float32)]


def _spiral(rng: Generator) -> list[Points]:
    at = np.linspace(0.3, rng.uniform(3, 10) * np.pi, 160)
    return [(np.stack((np.sin(at), np.cos(at)), 1) * (at / at[-1])[:, None]).astype(np.float32)]


def _star(rng: Generator) -> list[Points]:
    angles = np.linspace(0, 2 * np.pi, int(rng.integers(5, 12)))
    rays = np.stack((np.sin(angles), np.cos(angles)), 1) * rng.uniform(0.4, 0.9, (len(angles), 1))
    return [np.stack((np.zeros(2), ray)).astype(np.float32) for ray in rays]


def _axes(rng: Generator) -> list[Points]:
    x = np.linspace(-0.9, 0.9, 60)
    y = rng.uniform(0.3, 0.8) * np.sin(x * rng.uniform(2, 9)) + rng.normal(0, 0.3) * x
    axes = ([(-1, 0), (1, 0)], [(0, 1), (0, -1)])
    return [np.array(axis, np.float32) for axis in axes] + [np.stack((x, y), 1).astype(np.float32)]


def _arrow(rng: Generator) -> list[Points]:
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array(((np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))))
    paths = ([(-1, 0), (1, 0)], [(0.7, -0.2), (1, 0), (0.7, 0.2)])
    return [(np.array(path) @ turn).astype(np.float32) for path in paths]


def _polygon(rng: Generator) -> list[Points]:
    corners = rng.uniform(-0.9, 0.9, (int(rng.integers(3, 7)), 2))
    return [np.concatenate((corners, corners[:1])).astype(np.float32)]


def _frame(sheet: Sheet) -> None:
    """A box drawn around a line."""
    rng = sheet.rng
    if not sheet.bands:
        return
    band = sheet.bands[int(rng.integers(len(sheet.bands)))]
    points = np.concatenate((band.top, band.bottom))
    (left, top), (right, bottom) = points.min(0) - rng.uniform(4, 14), points.max(0) + rng.uniform(4, 14)
    path = np.array(((left, top), (right, top), (right, bottom), (left, bottom), (left, top))) + rng.normal(
        0, 2, (5, 2)
    )
    sheet.stamp(Ink(strokes=[path.astype(np.float32)]), 1.0, (0, 0), Pen(2.0, 0, 0), Stain.random(rng))


def _rule_off(sheet: Sheet) -> None:
    """A long line under a line of text or across the page."""
    rng = sheet.rng
    row, left = rng.uniform(0, sheet.height), rng.uniform(0, 0.4) * sheet.width
    right = rng.uniform(left, sheet.width)
    path = np.stack((np.linspace(left, right, 12), row + np.cumsum(rng.normal(0, 0.8, 12))), 1).astype(np.float32)
    sheet.stamp(Ink(strokes=[path]), 1.0, (0, 0), Pen(float(rng.uniform(1, 3)), 0, 0), Stain.random(rng))


def _scribble(sheet: Sheet) -> None:
    """Something crossed out until nothing can be read."""
    rng = sheet.rng
    size = sheet.height * rng.uniform(0.01, 0.03)
    place = _free_place(sheet, 2 * size)
    if place is None:
        return
    length = rng.uniform(3, 12)
    x = np.linspace(-length / 2, length / 2, int(10 * length))
    path = np.stack((x + rng.normal(0, 0.4, len(x)), rng.uniform(-1, 1, len(x))), 1).astype(np.float32)
    sheet.stamp(Ink(strokes=[path]), size, place, Pen(float(rng.uniform(0.08, 0.3)), 0, 0), Stain.random(rng))


def _holes(sheet: Sheet) -> None:
    """Punched holes or a spiral binding along an edge."""
    rng = sheet.rng
    column, radius = rng.uniform(0.01, 0.03) * sheet.width, rng.uniform(0.004, 0.012) * sheet.width
    colour = rng.uniform(20, 120, 3).tolist()
    for row in np.arange(rng.uniform(0, 60), sheet.height, rng.choice((25, 45, 300))):
        cv2.circle(sheet.canvas, (round(column), round(row)), max(2, round(radius)), colour, -1, cv2.LINE_AA)


def _spots(sheet: Sheet) -> None:
    """Ink blots, crumbs and a coffee stain."""
    rng = sheet.rng
    for _ in range(int(rng.integers(2, 25))):
        centre = rng.uniform((0, 0), (sheet.width, sheet.height)).astype(int).tolist()
        cv2.circle(sheet.canvas, centre, int(rng.integers(1, 4)), rng.uniform(20, 160, 3).tolist(), -1, cv2.LINE_AA)


def _bleed(sheet: Sheet) -> None:
    """The writing on the reverse side, faint and mirrored."""
    strength = np.float32(sheet.rng.uniform(0.05, 0.2))
    ghost = cv2.GaussianBlur(sheet.canvas[:, ::-1], (0, 0), 2.0)
    ghost = np.roll(ghost, int(sheet.rng.integers(5, 60)), axis=0)
    sheet.canvas -= strength * np.clip(np.median(ghost) - ghost, 0, 255)
