"""Draws the pages in examples/: sensible text, fonts under the Open Font License, the same pixels at every run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from zorky_server.tasks.handwriting.values import Picture

from .fonts import FontHand, fonts_under
from .ink import Pen, deform
from .scene import photograph
from .sheet import Sheet, Stain

_BLUE, _DARK, _VIOLET = (35.0, 50.0, 140.0), (30.0, 30.0, 40.0), (70.0, 40.0, 130.0)
_SIZE = (1200, 1600)
_QUALITY = 76


@dataclass(frozen=True)
class Example:
    """One page. seed: of paper, hand and light; lines: an empty one leaves a row free."""

    name: str
    font: str
    seed: int
    colour: tuple[float, float, float]
    ruled: bool
    left: float
    lines: tuple[str, ...]


EXAMPLES = (
    Example("notebook_autumn", "BadScript_400Regular", 10, _BLUE, True, 0.1, (
        "21 ноября", "Классная работа", "Осень в лесу", "",
        "Поздней осенью в лесу тихо.", "Листья давно опали и лежат",
        "под ногами мягким ковром.", "Белка спрятала орехи в дупло,",
        "ёжик уснул под старым пнём.", "Только синицы ещё звенят",
        "в голых ветвях берёзы.", "Скоро выпадет первый снег.",
    )),
    Example("notebook_physics", "Neucha_400Regular", 9, _VIOLET, True, 0.12, (
        "Физика. Урок 12", "Закон Архимеда", "",
        "На тело в жидкости действует", "выталкивающая сила, равная", "весу вытесненной жидкости.",
        "1) Сила направлена вверх.", "2) Чем больше объём тела,", "тем больше сила.",
        "Задача: объём 2 л, вода.", "Ответ: около 20 Н.", "Дома: стр. 84, № 3 и № 7.",
    )),
    Example("note_english", "Caveat_500Medium", 8, _DARK, False, 0.12, (
        "Dear Anna,", "", "Thank you for the lovely", "weekend by the lake!", "I left my blue scarf and",
        "two books in the kitchen.", "Could you bring them on", "Friday, about 6 o'clock?", "",
        "Best wishes,", "Peter",
    )),
    Example("prescription", "PlaypenSans_400Regular", 9, _DARK, False, 0.1, (
        "Рецепт 14.03.2026", "Пациент: Иванов И. И.", "",
        "Rp.: Амоксициллин 500 мг", "по 1 таб. 3 раза в день", "после еды, курс 7 дней", "",
        "Rp.: Лоратадин 10 мг", "по 1 таб. на ночь", "", "Повторный приём 21.03", "Врач: Петрова А. С.",
    )),
)  # fmt: skip


def draw(example: Example, fonts: Path) -> Picture:
    """The photographed page. Raises StopIteration where the font is not under `fonts`."""
    path = next(path for path in fonts_under(fonts) if path.stem == example.font)
    rng = np.random.default_rng(example.seed)
    sheet, hand = Sheet(*_SIZE, rng), FontHand(path)
    # The same generator for each line: one hand keeps its word gaps.
    inks = [hand.write(text, np.random.default_rng(example.seed), jitter=0.5) for text in example.lines]
    pitch, left = sheet.height / 15, sheet.width * example.left
    x_height = min(0.36 * pitch, (sheet.width * 0.94 - left) / max(ink.width for ink in inks))
    top = pitch * 1.9
    if example.ruled:
        sheet.rule(pitch, top + 0.1 * x_height)
    pen, stain = Pen(0.1, 0.3, 0.4), Stain(example.colour, 0.92, 0.1)
    for row, (ink, text) in enumerate(zip(inks, example.lines, strict=True)):
        if text:
            origin = (left + rng.uniform(-6, 6), top + row * pitch + rng.uniform(-4, 4))
            sheet.write(deform(ink, rng, 0.35), text, x_height, origin, pen, stain)
    picture, _ = photograph(sheet.canvas, sheet.bands, _SIZE, rng, closeness=0.35)
    return picture


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("examples", help="draw the pages in examples/ and their texts")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="folder with handwriting fonts")
    parser.add_argument("--output", type=Path, default=Path("examples"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    arguments.output.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        picture = draw(example, arguments.fonts)
        path = arguments.output / f"{example.name}.jpg"
        cv2.imwrite(str(path), picture[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
        text = "\n".join(line for line in example.lines if line)
        path.with_suffix(".txt").write_text(text + "\n", encoding="utf-8")
