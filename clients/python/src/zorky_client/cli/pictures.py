"""Which pictures the arguments of a command mean."""

import glob
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from zorky_client.formats.picture import Picture

EXTENSIONS = frozenset({".jpg", ".jpeg", ".jpe", ".mpo", ".png", ".webp", ".bmp", ".gif"})
"""What is taken from folders; a file named by itself is sent whatever its name."""
STANDARD_INPUT = "-"


def find(arguments: Iterable[str]) -> Iterator[Picture | OSError]:
    """The pictures in the order of the arguments, sorted where one means several; an error for what is not there."""
    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield Picture(STANDARD_INPUT, sys.stdin.buffer.read())
        elif (path := Path(argument)).exists() or not glob.has_magic(argument):
            yield from _expand(path)
        elif not (matches := sorted(glob.glob(argument, recursive=True))):  # noqa: PTH207  takes absolute patterns
            yield FileNotFoundError(f"{argument}: nothing matches")
        else:
            for match in matches:
                yield from _expand(Path(match))


def _expand(path: Path) -> Iterator[Picture | OSError]:
    if not path.is_dir():
        yield _named(path) if path.exists() else FileNotFoundError(f"{path}: no such file or folder")
        return
    inside = [file for file in sorted(path.rglob("*")) if _is_picture(file.relative_to(path)) and file.is_file()]
    if not inside:
        yield FileNotFoundError(f"{path}: no pictures in this folder")
    yield from map(_named, inside)


def _named(path: Path) -> Picture:
    # Names in an older encoding, as archives bring them, must not keep their pictures from being read.
    return Picture(os.fsencode(path).decode(errors="replace"), path)


def _is_picture(path: Path) -> bool:
    """By its extension; what is hidden, or in a hidden folder, is not meant."""
    return path.suffix.lower() in EXTENSIONS and not any(part.startswith(".") for part in path.parts)
