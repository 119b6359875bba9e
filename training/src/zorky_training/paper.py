"""Paper, light and camera: turns a mask of ink into the crop of a photographed line."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.values import Picture

from .ink import Mask

_Field = NDArray[np.float32]
_RULES = ((0.72, 0.8, 0.95), (0.8, 0.8, 0.85), (0.75, 0.85, 0.8), (0.9, 0.7, 0.75))
"""Colours of printed rules, as parts of the paper's brightness."""


_SCANNED, _DIM = 0.1, 0.1
"""Parts of the lines that are scanned, and photographed in too little light."""
_SHINING = 0.06
"""Part where the writing on the back shines through."""


def photograph(mask: Mask, x_height: float, baseline: float, rng: Generator) -> Picture:
    """A colour crop (H, W, 3) uint8 of inked paper. x_height and baseline, in pixels, tell where rules run."""
    kind = rng.random()
    if kind < _SCANNED:
        return _scan(mask, rng)
    dim = kind < _SCANNED + _DIM
    paper = _paper(mask.shape, rng, (45.0, 150.0) if dim else (150.0, 255.0))
    if rng.random() < (0.25 if dim else 0.5):
        _rule(paper, x_height, baseline, rng)
    if rng.random() < _SHINING and not dim:
        paper *= 1 - (cv2.blur(mask[:, ::-1], (3, 3)) * np.float32(rng.uniform(0.04, 0.14) / 255))[:, :, None]
    picture = _inked(paper, _textured(mask, rng), rng, rng.uniform(0.4, 0.7) if dim else _opacity(rng))
    picture *= _light(mask.shape, rng, 0.3 if dim else 0.08)[:, :, None]
    return _camera(picture, x_height, 0.3 if dim else 1.0, rng)


def _scan(mask: Mask, rng: Generator) -> Picture:
    """A flatbed's picture: black on clean white, at times in two colours only."""
    cover = mask
    if rng.random() < 0.3:
        cover = np.asarray(cv2.threshold(mask, float(rng.uniform(60, 150)), 255, cv2.THRESH_BINARY)[1], np.uint8)
    white, black = rng.uniform(235, 255), rng.uniform(0, 90)
    shades = np.linspace(white, black, 256).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.LUT(cover, shades), cv2.COLOR_GRAY2RGB), np.uint8)


def _paper(shape: tuple[int, ...], rng: Generator, brightnesses: tuple[float, float]) -> _Field:
    brightness = rng.uniform(*brightnesses) if rng.random() < 0.7 else brightnesses[1]
    tint = 1 - np.abs(rng.normal(0, 0.05, 3)) * (rng.random() < 0.7)
    return np.broadcast_to((brightness * tint).astype(np.float32), (*shape, 3)).copy()


def _rule(paper: _Field, x_height: float, baseline: float, rng: Generator) -> None:
    """Lines, squares or a margin, fainter than ink."""
    height, width = paper.shape[:2]
    colour = np.array(_RULES[int(rng.integers(len(_RULES)))], np.float32)
    ink = 1 - (1 - colour) * rng.uniform(0.15, 0.9)
    thick = 1 if x_height < 18 else int(rng.integers(1, 3))
    squared = rng.random() < 0.55
    pitch = max(6.0, x_height * (rng.uniform(0.9, 2.2) if squared else rng.uniform(2.0, 4.5)))
    start = baseline + x_height * rng.normal(0.1, 0.25)
    tilt = rng.normal(0, 0.012)
    canvas = np.zeros((height, width), np.uint8)
    for row in np.arange(start % pitch - pitch, height + pitch, pitch):
        cv2.line(canvas, (0, round(row)), (width, round(row + tilt * width)), 255, thick, cv2.LINE_AA)
    if squared:
        for column in np.arange(rng.uniform(0, pitch), width, pitch):
            cv2.line(canvas, (round(column), 0), (round(column - tilt * height), height), 255, thick, cv2.LINE_AA)
    cover = canvas[:, :, None].astype(np.float32) / 255
    paper *= 1 - cover * (1 - ink)
    if rng.random() < 0.1:
        column = int(rng.integers(width))
        cv2.line(paper, (column, 0), (column, height), (210.0, 90.0, 110.0), 1 + int(rng.integers(2)), cv2.LINE_AA)


def _textured(mask: Mask, rng: Generator) -> _Field:
    """Ink that lies unevenly: pencil grain, a pen running dry, slow changes of pressure."""
    cover: _Field = mask.astype(np.float32) / np.float32(255)
    kind = rng.random()
    if kind < 0.16:
        grain = _blotches(mask.shape, rng, int(rng.integers(1, 4)))
        cover *= np.clip(np.float32(rng.uniform(0.6, 1.0)) + np.float32(rng.uniform(0.15, 0.5)) * grain, 0, 1)
    elif kind < 0.6:
        cover *= np.clip(0.9 + 0.2 * _blotches(mask.shape, rng, 24), 0.35, 1)
    return cover


def _blotches(shape: tuple[int, ...], rng: Generator, size: int) -> _Field:
    """Smooth noise of unit deviation whose spots are about `size` pixels large."""
    small = rng.standard_normal((shape[0] // size + 2, shape[1] // size + 2), np.float32)
    return np.asarray(cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def _opacity(rng: Generator) -> float:
    return float(rng.uniform(0.45, 0.8) if rng.random() < 0.3 else rng.uniform(0.8, 1.0))


def _inked(paper: _Field, cover: _Field, rng: Generator, opacity: float) -> _Field:
    kind = rng.random()
    if kind < 0.42:
        colour = np.array((rng.uniform(10, 80), rng.uniform(20, 100), rng.uniform(90, 200)))
    elif kind < 0.8:
        colour = np.full(3, rng.uniform(0, 70)) + rng.uniform(0, 20, 3)
    elif kind < 0.93:
        colour = np.full(3, rng.uniform(70, 150))
    else:
        colour = rng.uniform(0, 150, 3)
    ink = (colour * (paper.max() / 255)).astype(np.float32)
    paper += (cover * np.float32(opacity))[:, :, None] * (ink - paper)
    return paper


def _light(shape: tuple[int, ...], rng: Generator, slope: float) -> _Field:
    """Uneven light: a slope over the crop and, at times, the edge of a shadow."""
    height, width = shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1 + np.float32(np.clip(rng.normal(0, slope), -0.6, 0.6)) * across + rng.normal(0, 0.05) * down
    if rng.random() < 0.15:
        edge = across - rng.uniform(-1, 1) + rng.normal(0, 0.3) * down
        light = light * (1 - rng.uniform(0.1, 0.45) / (1 + np.exp(-edge * rng.uniform(3, 25))))
    if rng.random() < 0.3:
        light = light * (1 + 0.02 * _blotches(shape, rng, 12))
    return np.asarray(light, np.float32)


def _camera(picture: _Field, x_height: float, decay: float, rng: Generator) -> Picture:
    """Blur, sensor noise and JPEG. decay: 0 to 1, how much of noise and of JPEG a picture of this contrast bears."""
    if rng.random() < 0.35:
        sigma = rng.uniform(0.3, 0.9) * max(1.0, x_height / 18)
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    if rng.random() < 0.05:
        kernel = np.zeros((5, 5), np.float32)
        cv2.line(kernel, (int(rng.integers(5)), 0), (int(rng.integers(5)), 4), 1.0)
        picture = np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)
    if rng.random() < 0.5:
        strength = np.float32(rng.uniform(0.5, 1 + 6 * decay))
        picture += (rng.standard_normal(picture.shape[:2], np.float32) * strength)[:, :, None]
    seen = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        _, code = cv2.imencode(".jpg", seen, (cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(round(85 - 60 * decay), 95))))
        seen = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), np.uint8)
    return seen
