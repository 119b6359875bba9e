"""What a tuned model is judged on: corrections by people it has not learnt from, and what it could read before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zorky_server.tasks.handwriting.scripts import language_of
from zorky_server.tasks.handwriting.values import Layout

from .drawn_samples import drawn_samples
from .lines import Sources
from .samples import Sample, labelled

CORRECTIONS = "corrections"
"""The name of that set."""
FROZEN_LINES = 400
"""Drawn where the operator names no labelled folder."""


@dataclass(frozen=True)
class Evidence:
    """corrected: lines of the data set's test part, perhaps none. frozen: by language, what must not be forgotten."""

    corrected: Sequence[Sample]
    frozen: Mapping[str, Sequence[Sample]]

    @property
    def sets(self) -> dict[str, Sequence[Sample]]:
        """What there is to read, by name."""
        frozen = {f"frozen {language}": samples for language, samples in self.frozen.items()}
        return {CORRECTIONS: self.corrected, **frozen} if self.corrected else frozen


def gather(corrections: Path, frozen: Sequence[Path], sources: Sources) -> Evidence:
    """corrections: a data set of corrected lines, with test/. frozen: labelled folders; where there are none, lines are
    drawn by hands that `sources` keeps from training.

    Raises FileNotFoundError when a folder has no labels, ValueError when no such hand is installed.
    """
    test = corrections / "test"
    corrected = [replace(sample, layout=Layout.LINE) for sample in labelled(test)] if _has_rows(test) else []
    if frozen:
        samples = [sample for folder in frozen for sample in labelled(folder)]
    else:
        samples = [sample for of_hand in drawn_samples(sources, FROZEN_LINES) for sample in of_hand.samples]
    return Evidence(corrected, _by_language(samples))


def _by_language(samples: Sequence[Sample]) -> dict[str, list[Sample]]:
    """Lines without letters, as dates and doses, go with the Russian ones."""
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        found.setdefault(language_of(sample.truth) or "ru", []).append(sample)
    return dict(sorted(found.items()))


def _has_rows(folder: Path) -> bool:
    labels = folder / "labels.tsv"
    return labels.exists() and bool(labels.read_text(encoding="utf-8").strip())
