"""The data set as a folder: train/ and test/ with crops and their labels.tsv, and summary.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, get_args

import cv2

from zorky_server.tasks.handwriting.values import Picture

from .split import Part

PARTS: tuple[Part, ...] = get_args(Part)
_LABELS, _SUMMARY = "labels.tsv", "summary.json"


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled crop, as it stands in labels.tsv. file: the crop's name. kind: the text's language, ru or en."""

    file: str
    text: str
    kind: str
    writer: str


class DataSet:
    """One folder with a data set; made on first use, for its owner alone: it shows what people wrote."""

    def __init__(self, folder: Path) -> None:
        """Raises FileExistsError where something else is in the folder: what is no part of a data set gets deleted."""
        summary = folder / _SUMMARY
        if (
            not summary.exists()
            and folder.exists()
            and {path.name for path in folder.iterdir()} - {_draft(summary).name}
        ):
            raise FileExistsError(f"{folder} is neither empty nor a data set of corrections: name another folder")
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        if not summary.exists():
            _write(summary, b"{}\n")  # first: a folder with anything else in it would not be taken for a data set again
        for part in PARTS:
            (folder / part).mkdir(mode=0o700, exist_ok=True)

    def writers(self) -> dict[str, Part]:
        """The part of each writer who is in it."""
        labels = {part: self._folder / part / _LABELS for part in PARTS}
        rows = [
            (part, row)
            for part, path in labels.items()
            if path.exists()
            for row in path.read_text("utf-8").splitlines()
        ]
        return {row.rpartition("\t")[2]: part for part, row in rows}

    def has(self, part: Part, file: str) -> bool:
        """Whether a crop is there."""
        return (self._folder / part / file).exists()

    def add(self, part: Part, file: str, crop: Picture) -> None:
        """Puts a crop there, (H, W, 3) RGB."""
        code = cv2.imencode(".png", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))[1]
        _write(self._folder / part / file, code.tobytes())

    def finish(self, rows: Mapping[Part, Iterable[Row]], summary: Mapping[str, Any]) -> None:
        """Writes the labels and the summary, and deletes every crop that has no label."""
        for part in PARTS:
            labelled = sorted(rows[part], key=lambda row: (row.writer, row.file))
            table = "".join("\t".join(astuple(row)) + "\n" for row in labelled)
            _write(self._folder / part / _LABELS, table.encode())
            kept = {_LABELS, *(row.file for row in labelled)}
            for path in self._folder.joinpath(part).iterdir():
                if path.name not in kept:
                    path.unlink()
        _write(self._folder / _SUMMARY, json.dumps(summary, indent=2, sort_keys=True).encode() + b"\n")


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    draft = _draft(path)
    draft.write_bytes(content)
    draft.replace(path)


def _draft(path: Path) -> Path:
    return path.with_suffix(".new")
