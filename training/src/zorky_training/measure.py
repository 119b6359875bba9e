"""Figures of readings as plain values for JSON: no texts, no pictures."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .accuracy import accuracy
from .calibrate import KINDS, Judged, held_out, read_lines
from .reading import Read
from .reliability import bins, reliability, risk_curve
from .samples import NOISY

Row = dict[str, Any]
Reads = Mapping[str, Sequence[Read]]
"""What was read, by the name of its set."""

_CURVE_POINTS = 40
_EACH = 10
"""Sets of no more pictures than this are shown picture by picture."""
GROUPS = {"ru_pages, ru_lines": ("ru_pages", "ru_lines"), "ru_words": ("ru_words",), **KINDS}
"""Sets whose confidences are judged together."""
PLOTTED = tuple(KINDS)
"""The groups shown in plots."""


def accuracy_rows(reads: Reads) -> list[Row]:
    """A row a set. Sets with noisy pictures get another one without them."""
    rows = []
    for name, of_set in reads.items():
        rows.append(accuracy_row(name, of_set))
        clean = [read for read in of_set if read.sample.kind != NOISY]
        if clean and len(clean) < len(of_set):
            rows.append(accuracy_row(f"{name}, clean", clean))
    return rows


def accuracy_row(name: str, reads: Sequence[Read]) -> Row:
    """One set's figures. `each`: CER by picture, where there are few."""
    found = accuracy(reads)
    digits = {"precision": found.digits.precision, "recall": found.digits.recall, "f1": found.digits.f1}
    row: Row = {"set": name, "pictures": found.pictures, "writers": len({read.sample.writer for read in reads})}
    row |= {"characters": found.characters, "cer": found.cer, "wer": found.wer, "exact": found.exact}
    row |= {"digits": found.digits.in_truth, "digits_read": found.digits.in_reading}
    row |= {f"digit_{name}": value for name, value in digits.items()}
    if len(reads) <= _EACH:
        row["each"] = {read.sample.name: accuracy([read]).cer for read in reads}
    return rounded(row | {"seconds": found.seconds})


def served_confidence(reads: Reads) -> list[Row]:
    """How reliable the confidences of words are as they are served, set by set; sets without words are left out."""
    rows = []
    for name, of_set in reads.items():
        judged = [Judged(line, line.served, float("nan")) for line in read_lines(name, of_set)]
        if judged:
            rows.append(confidence_row(name, judged))
    return rows


def confidence_rows(reads: Reads) -> list[Row]:
    """How reliable confidences are that were fitted on these readings, each writer held out in turn."""
    judged = held_out([line for name, of_set in reads.items() for line in read_lines(name, of_set)])
    groups = {name: [one for one in judged if one.line.source in sources] for name, sources in GROUPS.items()}
    rows = [confidence_row(name, of_group) for name, of_group in groups.items() if of_group]
    return [*rows, confidence_row("all words", judged), line_row("all lines", judged)]


def fitted_confidence(reads: Reads) -> Row:
    """How reliable all served confidences are, over the sets that they were fitted on."""
    lines = [line for name, of_set in reads.items() for line in read_lines(name, of_set)]
    return confidence_row("all words, as served", [Judged(line, line.served, float("nan")) for line in lines])


def confidence_row(name: str, judged: Sequence[Judged]) -> Row:
    """The reliability of words, with the points of the plots."""
    confidence = np.array([p for one in judged for p in one.words], np.float64)
    right = np.array([r for one in judged for r in one.line.right], np.float64)
    pictures = np.array([one.line.picture for one in judged for _ in one.words], np.str_)
    return _confidence_row(name, confidence, right, pictures)


def line_row(name: str, judged: Sequence[Judged]) -> Row:
    """The reliability of whole lines."""
    confidence = np.array([one.whole for one in judged], np.float64)
    right = np.array([one.line.complete for one in judged], np.float64)
    return _confidence_row(name, confidence, right, np.array([one.line.picture for one in judged], np.str_))


def _confidence_row(name: str, confidence: Any, right: Any, pictures: Any) -> Row:
    found = reliability(confidence, right, pictures)
    risk = risk_curve(confidence, right)
    at = np.unique(np.linspace(0, len(risk) - 1, _CURVE_POINTS).astype(int))
    row: Row = {"of": name, "items": found.items, "right": found.right, "confidence": float(confidence.mean())}
    row |= {"ece": found.ece, "ece_low": found.ece_interval[0], "ece_high": found.ece_interval[1]}
    row |= {"auroc": found.auroc, "coverage": found.coverage, "bins": bins(confidence, right)}
    return rounded(row | {"risk": [((int(i) + 1) / len(risk), float(risk[i])) for i in at]})


def rounded(row: Row) -> Row:
    """Floats to four places; what is not a number becomes None, for JSON has no nan."""
    return {name: _rounded(value) for name, value in row.items()}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 4)
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


def machine() -> dict[str, str]:
    """What the times were taken on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": f"{len(names)} x {names[0]}", "system": platform.platform(), "python": platform.python_version()
    }  # fmt: skip


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Writes the figures with the machine's description."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine(), **results}, indent=1, ensure_ascii=False) + "\n")
