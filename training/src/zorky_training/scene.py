"""The photograph of a sheet: desk, perspective, curl, light and camera, with the sheet's bands carried along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.values import Picture

from .ink import Points
from .sheet import Band, Canvas

Field = NDArray[np.float32]

_CELL = 8
"""Pixels between the points at which a smooth warp is computed."""


@dataclass(frozen=True)
class Curl:
    """How a sheet bulges: a point at (x, y) is seen displaced by `at`. Waves in pixels of the sheet."""

    amplitude: Points
    frequency: Points
    phase: Points

    @classmethod
    def random(cls, size: float, rng: Generator) -> Curl:
        lively = rng.random() < 0.6
        amplitude = rng.normal(0, 0.006 * size if lively else 0.0, (2, 2))
        frequency = rng.uniform(0.6, 1.8, (2, 2)) * np.pi / size
        return cls(*(part.astype(np.float32) for part in (amplitude, frequency, rng.uniform(0, 6.28, (2, 2)))))

    def at(self, points: Points) -> Points:
        """The displacement at each of (..., 2) points: each coordinate waves along both."""
        waves = np.sin(points[..., None, :] * self.frequency + self.phase) * self.amplitude
        return np.asarray(waves.sum(-1), np.float32)


def photograph(
    canvas: Canvas, bands: Sequence[Band], size: tuple[int, int], rng: Generator, closeness: float
) -> tuple[Picture, list[Band]]:
    """A phone's picture of a sheet, size = (width, height) in pixels, and where its bands are in it.

    closeness: 0 shows all of the sheet on its desk, 1 nothing but the sheet.
    """
    view = _view(canvas, size, rng, closeness)
    curl = Curl.random(max(canvas.shape[:2]), rng)
    seen = _placed(canvas, view, curl, size, rng)
    return _camera(seen * _light(size, rng)[:, :, None], rng), _seen(bands, view, curl)


def _view(canvas: Canvas, size: tuple[int, int], rng: Generator, closeness: float) -> NDArray[np.float64]:
    """The homography from the sheet to the picture."""
    height, width = canvas.shape[:2]
    margin = (1 - closeness) * rng.uniform(0.02, 0.12) - closeness * rng.uniform(0, 0.01)
    fit = min(size[0] / width, size[1] / height) * (1 - 2 * margin)
    centre = np.array(size) / 2 + rng.normal(0, 0.3 * max(margin, 0), 2) * size
    corners = (np.array(((0, 0), (1, 0), (1, 1), (0, 1))) - 0.5) * (width, height) * fit
    turn = np.radians(rng.normal(0, 1.0 if closeness > 0.5 else 2.5))
    rotation = np.array(((np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))))
    tilt = rng.normal(0, 0.008 if closeness > 0.5 else 0.02, (4, 2)) * max(size)
    target = (corners @ rotation + centre + tilt).astype(np.float32)
    source = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    return np.asarray(cv2.getPerspectiveTransform(source, target), np.float64)


def _placed(canvas: Canvas, view: NDArray[np.float64], curl: Curl, size: tuple[int, int], rng: Generator) -> Canvas:
    """The sheet as seen, over a desk with the sheet's shadow on it."""
    source = _sources(view, curl, size)
    seen = cv2.remap(canvas, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = np.all((source >= 0) & (source < (canvas.shape[1], canvas.shape[0])), -1, keepdims=True).astype(np.float32)
    cover = np.asarray(cv2.GaussianBlur(inside, (0, 0), 0.7))
    if cover.min() > 0.99:
        return np.asarray(seen, np.float32)
    beside = np.roll(inside, (6, 5), (0, 1))
    shade = np.asarray(cv2.GaussianBlur(beside, (0, 0), rng.uniform(3, 12)) * rng.uniform(0.1, 0.6))
    desk = _desk(size, rng) * (1 - shade[:, :, None])
    return np.asarray(desk + (seen - desk) * cover[:, :, None], np.float32)


def _sources(view: NDArray[np.float64], curl: Curl, size: tuple[int, int]) -> Field:
    """For each pixel of the picture its place on the sheet, (height, width, 2), computed on a coarse grid."""
    columns, rows = (np.arange(-(_CELL + 1) / 2, side + 2 * _CELL, _CELL, dtype=np.float32) for side in size)
    flat = _through(np.stack(np.meshgrid(columns, rows), -1), np.linalg.inv(view).astype(np.float64))
    coarse = flat + curl.at(flat)
    # resize puts the coarse points at the middles of cells: cell 0 spans pixels -_CELL to -1.
    fine = cv2.resize(coarse, (len(columns) * _CELL, len(rows) * _CELL), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[_CELL : _CELL + size[1], _CELL : _CELL + size[0]], np.float32)


def _seen(bands: Sequence[Band], view: NDArray[np.float64], curl: Curl) -> list[Band]:
    """Where bands of the sheet appear: the inverse of what _placed looks up, by fixed-point iteration."""
    if not bands:
        return []
    points = flat = np.stack([edge for band in bands for edge in (band.top, band.bottom)])
    for _ in range(5):
        flat = points - curl.at(flat)
    edges = _through(flat, view)
    return [band.moved(*pair) for band, pair in zip(bands, edges.reshape(len(bands), 2, -1, 2), strict=True)]


def _through(points: Points, matrix: NDArray[np.float64]) -> Points:
    shape = points.shape
    moved = cv2.perspectiveTransform(points.reshape(1, -1, 2).astype(np.float32), matrix)
    return np.asarray(moved.reshape(shape), np.float32)


def _desk(size: tuple[int, int], rng: Generator) -> Canvas:
    """Wood, cloth, plastic or another sheet: a base colour with streaks, a weave or nothing."""
    width, height = size
    wooden = ((150, 105, 60), (200, 160, 110), (90, 60, 40), (225, 205, 175))
    base = wooden[int(rng.integers(4))] if rng.random() < 0.6 else tuple(rng.uniform(20, 235, 3))
    desk = np.empty((height, width, 3), np.float32)
    desk[:] = base
    kind = rng.random()
    if kind < 0.55:
        desk *= _streaks(size, rng)[:, :, None]
    elif kind < 0.75:
        period = rng.integers(4, 40)
        weave = (np.arange(width) // period % 2)[None] ^ (np.arange(height) // period % 2)[:, None]
        desk *= 1 - np.float32(rng.uniform(0.03, 0.4)) * weave[:, :, None].astype(np.float32)
    else:
        desk *= 1 + np.float32(0.06) * blotches((height, width), rng, int(rng.integers(2, 30)))[:, :, None]
    return np.clip(desk, 0, 255)


def _streaks(size: tuple[int, int], rng: Generator) -> Field:
    """Grain: noise stretched along one direction."""
    width, height = size
    long, fine = rng.integers(100, 400), rng.integers(2, 8)
    shape = (height // fine + 2, width // long + 2) if rng.random() < 0.5 else (height // long + 2, width // fine + 2)
    noise = rng.standard_normal(shape, np.float32)
    return 1 + np.float32(rng.uniform(0.03, 0.16)) * cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def _light(size: tuple[int, int], rng: Generator) -> Field:
    """A slope of light, a lamp's pool, and at times the shadow of a hand or phone."""
    width, height = size
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = (1.1 - abs(rng.normal(0, 0.2))) * (1 + rng.normal(0, 0.15) * across + rng.normal(0, 0.15) * down)
    x, y = rng.uniform(-1, 1, 2)
    light -= rng.uniform(0, 0.25) * ((across - x) ** 2 + (down - y) ** 2)
    if rng.random() < 0.35:
        angle, offset = rng.uniform(0, 6.28), rng.normal(0, 0.5)
        edge = across * np.cos(angle) + down * np.sin(angle) - offset + 0.1 * np.sin(4 * across + rng.uniform(0, 6.28))
        light *= 1 - rng.uniform(0.1, 0.55) / (1 + np.exp(-edge * rng.uniform(4, 60)))
    return np.clip(light, 0.12, 1.25)


def blotches(shape: tuple[int, int], rng: Generator, size: int) -> Field:
    """Smooth noise of unit deviation whose spots are about `size` pixels large."""
    small = rng.standard_normal((shape[0] // size + 2, shape[1] // size + 2), np.float32)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _camera(seen: Canvas, rng: Generator) -> Picture:
    """White balance, blur, noise and JPEG."""
    seen = seen * np.clip(rng.normal(1, 0.05, 3), 0.8, 1.15).astype(np.float32)
    if rng.random() < 0.5:
        seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), rng.uniform(0.4, 1.3)), np.float32)
    if rng.random() < 0.6:
        seen = seen + rng.standard_normal(seen.shape[:2], np.float32)[:, :, None] * np.float32(rng.uniform(1, 9))
    picture = np.clip(seen, 0, 255).astype(np.uint8)
    if rng.random() < 0.7:
        _, code = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))))
        picture = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return picture
