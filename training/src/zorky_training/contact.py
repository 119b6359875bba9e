"""A contact sheet: many lines of the engine as the recogniser sees them, to look at beside real ones."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from zorky_server.tasks.handwriting.strip import HEIGHT, strip_from_crop
from zorky_server.tasks.handwriting.values import Picture

from .lines import Engine, Sources
from .real import read_labels, read_picture

_WIDTH = 1500
_GAP = 8


def contact_sheet(strips: Iterable[Picture]) -> Picture:
    """Strips side by side in rows, (H, 1500, 3); what is wider is cut."""
    rows, left = [_empty_row()], 0
    for strip in strips:
        shown = strip[:, : _WIDTH - _GAP]
        if left + shown.shape[1] > _WIDTH:
            rows.append(_empty_row())
            left = 0
        rows[-1][:HEIGHT, left : left + shown.shape[1]] = shown
        left += shown.shape[1] + _GAP
    return np.concatenate(rows)


def _empty_row() -> Picture:
    return np.full((HEIGHT + _GAP // 2, _WIDTH, 3), 128, np.uint8)


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("sheet", help="draw synthetic lines on one PNG to look at")
    parser.add_argument("output", type=Path)
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument("--data", type=Path, help="folder with train/ (traces, fonts from real letters, real lines)")
    parser.add_argument("--beside", type=Path, help="a labelled folder whose crops are shown below")
    parser.add_argument("--lines", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    engine = Engine(Sources(arguments.fonts, arguments.data / "train" if arguments.data else None), arguments.seed)
    numbers = range(arguments.lines)
    strips = [strip_from_crop(engine.line(number).crop) for number in numbers]
    started = time.process_time()
    for number in numbers:  # once more, now that the hands' letters have been read from their files
        strip_from_crop(engine.line(number).crop)
    print(f"{arguments.lines / (time.process_time() - started):.0f} lines/s a core (processor time)")
    if arguments.beside:
        strips += [strip_from_crop(read_picture(path)) for path, _ in read_labels(arguments.beside)]
    sheet = contact_sheet(strips)
    cv2.imwrite(str(arguments.output), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
