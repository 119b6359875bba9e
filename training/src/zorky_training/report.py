"""The quality report: one page of Markdown and its plots, made from the figures that commands have left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from rich.table import Table

from .measure import PLOTTED, Row
from .plots import bars_plot, reliability_plot, risk_plot

RESULTS = Path("benchmarks/results")
"""Where accuracy.json and peers.json are kept, seen from the repository's root."""
_WIDTH = 116
"""Characters of a line of the page."""

_PAGE = """\
# How well it reads

This page is made by a command. The figures and plots are those of model {version} (manifest SHA-256 {sha}…),
calibration `{calibration}`. Repeat, with the project's measuring data in `$ZORKY_DATA`:

    zorky-train evaluate --held-out {held_out} --report docs/quality.md
    zorky-train peers --report docs/quality.md

Pictures go through the code and the ONNX sessions that serve, one at a time: whole pages with layout `page`, crops
with `line` or `word`. Before texts are compared, quotes, dashes and ё/е count as equal and white space is
collapsed, the same for every system. CER and WER are edits of characters and of words by those of the truth, summed
over the set; *exact* is the share of pictures read without an edit. Digits are looked up where an alignment with
the fewest edits puts them. *s* are seconds of one core a picture ({processor}), waiting not counted.

## Real handwriting and print

{accuracy}

{each}

![CER by set](quality/cer.png)

*CER on the pictures that every system was given (see the end of this page); cut at 1.*

**The data is small.** ru_pages are three pictures of {sheets} sheets by two hands, and ru_lines their lines.
ru_words are crops of words and phrases by three writers and an unknown number of others; *clean* leaves out those
with neighbouring ink or cut off. en_lines are letters of one 19th-century hand, other pages of which were trained
on. The printed sets are a few pictures each. A set of two hands says little about a third: take every figure for
what it was taken on. None of these pictures was trained on, but choices were made by looking at their figures, so
unseen writing may be read worse.

## Synthetic writers that were never trained on

{synthetic_intro}

{synthetic}

## Confidence

A word's confidence is meant to be the probability that it is right to the last character. It is a logistic function
of two scores: the logarithm of the word's share of the beam, and the log-probability of its path a letter. Its
three numbers are fitted on the sets above, Russian handwriting, English handwriting and print counting alike; here
each writer's words have confidences fitted on all *other* writers (lines of one sheet, photographed twice, stay
together). For English that leaves the one large hand out altogether. ECE: expected calibration error over ten equal
bins, with a 95 % bootstrap interval over pictures. AUROC: share of pairs in which the right word has more
confidence than the wrong one. Coverage: the share of words, most confident first, of which at most 5 % are wrong.

{confidence}

![Reliability](quality/reliability.png) ![Risk and coverage](quality/risk.png)

*Left: share of right words by confidence, dots as large as the bins are full. Right: what is wrong among the most
confident words. Both from the held-out confidences above.*

## Beside other systems

{peers}
"""


def accuracy_table(rows: Iterable[Row]) -> list[list[str]]:
    """Heading and rows."""
    table = [["set", "pictures", "characters", "CER", "WER", "exact", "digits P/R/F1", "s"]]
    for row in rows:
        rates = [_number(row[name]) for name in ("cer", "wer", "exact")]
        counts = [row["set"], str(row["pictures"]), str(row["characters"])]
        table.append([*counts, *rates, _digits(row), _seconds(row)])
    return table


def confidence_table(rows: Iterable[Row]) -> list[list[str]]:
    """Heading and rows."""
    table = [["confidences of", "items", "right", "mean", "ECE (95 %)", "AUROC", "coverage"]]
    for row in rows:
        ece = f"{row['ece']:.3f} ({row['ece_low']:.3f} to {row['ece_high']:.3f})"
        rates = [_number(row["auroc"]), _number(row["coverage"])]
        table.append([row["of"], str(row["items"]), _number(row["right"]), _number(row["confidence"]), ece, *rates])
    return table


def peers_table(rows: Iterable[Row]) -> list[list[str]]:
    """Heading and rows; the ratio of times is to Zorky's on the same pictures."""
    table = [["set", "pictures", "system", "CER", "WER", "exact", "digits F1", "s", "times Zorky's"]]
    for row in rows:
        rates = [_number(row[name]) for name in ("cer", "wer", "exact")]
        digits = _number(row["digit_f1"] if row["digits"] else None)
        times = [_seconds(row), f"{row['ratio']:.1f}"]
        table.append([row["set"], str(row["pictures"]), row["system"], *rates, digits, *times])
    return table


def on_screen(table: Sequence[Sequence[str]]) -> Table:
    """The table for a terminal."""
    drawn = Table(*table[0])
    drawn.columns[0].no_wrap = True
    for row in table[1:]:
        drawn.add_row(*row)
    return drawn


def draw(accuracy: Mapping[str, Any], peers: Mapping[str, Any] | None, folder: Path) -> None:
    """The three plots into a folder."""
    rates: dict[str, dict[str, float]] = {}
    for row in peers["rows"] if peers else accuracy["sets"]:
        rates.setdefault(row.get("system", "Zorky"), {})[row["set"]] = row["cer"]
    bars_plot(folder / "cer.png", rates)
    shown = [row for row in accuracy["confidence"] if row["of"] in PLOTTED] or accuracy["confidence"]
    reliability_plot(folder / "reliability.png", {row["of"]: row["bins"] for row in shown})
    risk_plot(folder / "risk.png", {row["of"]: row["risk"] for row in shown})


def write(page: Path) -> None:
    """Writes the page, and its plots into a folder of its name, from RESULTS.

    Raises FileNotFoundError before `zorky-train evaluate --report` has left its figures there.
    """
    accuracy = json.loads((RESULTS / "accuracy.json").read_text(encoding="utf-8"))
    beside = RESULTS / "peers.json"
    peers = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else None
    draw(accuracy, peers, page.parent / page.stem)
    page.write_text(_text(accuracy, peers), encoding="utf-8")


def _text(accuracy: Mapping[str, Any], peers: Mapping[str, Any] | None) -> str:
    model, pages = accuracy["model"], next(row for row in accuracy["sets"] if row["set"] == "ru_pages")
    drawn = [row for row in accuracy["held_out"] if row["set"] == "all"]
    lines = drawn[0]["pictures"] if drawn else 0
    return _PAGE.format(
        version=model["version"],
        sha=model["sha256"][:12],
        calibration=model["calibration"],
        held_out=lines,
        processor=accuracy["machine"]["processor"],
        accuracy=markdown(accuracy_table(accuracy["sets"])),
        each=fill("CER of each: " + "; ".join(_each(row) for row in accuracy["sets"] if "each" in row) + ".", _WIDTH),
        sheets=pages["writers"],
        synthetic_intro=_synthetic_intro(accuracy),
        synthetic=markdown(accuracy_table(accuracy["held_out"])) if lines else "",
        confidence=markdown(confidence_table(accuracy["confidence"])),
        peers=_peers(peers),
    )


def _synthetic_intro(accuracy: Mapping[str, Any]) -> str:
    if not accuracy["held_out"]:
        return "Not measured for this page."
    words = accuracy["held_out_confidence"][0]
    return fill(
        "These lines are drawn by `zorky-train`, not written by people: hands that no line "
        "or page for training used. They show what a new hand costs, not how real paper is read. Confidences as "
        f"they are served have an ECE of {words['ece']:.3f} on their {words['items']} words.",
        _WIDTH,
    )


def _peers(peers: Mapping[str, Any] | None) -> str:
    if peers is None:
        return "Not measured for this page."
    taken = f"Of larger sets at most {peers['most']} pictures, evenly spread. " if peers["most"] else ""
    absent = "".join(f" {line}." for line in peers["absent"])
    model = peers["model"]
    told = (
        f"{taken}Each picture was read by every system in turn, in one run, on one core: Zorky's model "
        f"{model['version']} with calibration `{model['calibration']}`; Tesseract with `-l rus+eng`, "
        "psm 3 and 6 for pages, 7 for lines, 8 for words, its time with the command's start; RapidOCR with its default "
        f"models, which know no Cyrillic, and its whole pipeline.{absent}"
    )
    return f"{fill(told, _WIDTH)}\n\n{markdown(peers_table(peers['rows']))}"


def markdown(table: Sequence[Sequence[str]]) -> str:
    """The table as Markdown."""
    rows = [table[0], ["---"] * len(table[0]), *table[1:]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _each(row: Row) -> str:
    return f"{row['set']} " + ", ".join(f"{name} {cer:.3f}" for name, cer in row["each"].items())


def _digits(row: Row) -> str:
    rates = (row["digit_precision"], row["digit_recall"], row["digit_f1"])
    if not row["digits"]:
        return f"none; {row['digits_read']} read"
    return "/".join("none" if rate is None else f"{rate:.2f}" for rate in rates) + f" of {row['digits']}"


def _seconds(row: Row) -> str:
    return f"{row['seconds']:.2f}" if row["seconds"] >= 0.1 else f"{row['seconds']:.3f}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
