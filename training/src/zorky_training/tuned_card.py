"""What the card of a tuned model says beside the card of the model that it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from zorky_server.tasks.handwriting.scripts import language_of

from .corrections.split import NOBODY
from .samples import Sample

_SECTION = """
## Tuned on corrections: {version}

On {date} `zorky-train finetune` trained the recogniser of {before} further on {learnt} lines by {writers} writers
({languages}), who had corrected what was read and agreed to training. It saw {lines} lines: about half were those,
varied each time, and half were drawn by the engine, so that nothing is forgotten. The other parts and the calibration
are those of {before}, and what is said above is of {before} and the models before it. The weights stay CC BY-SA 4.0.

| set, as served | lines | CER before | CER after |
| --- | --- | --- | --- |
{rows}

Corrections are lines by writers that it has not learnt from, read before by {before}. Frozen sets are what the operator
named, or lines drawn by hands never trained on (synthetic), read before by the shipped model.
"""


def section(
    version: str, before: str, learnt: Sequence[Sample], lines: int, figures: Mapping[str, Mapping[str, Any]]
) -> str:
    """Markdown. before: version that was tuned. learnt: the corrected lines. lines: trained on in all. figures: of each
    set, as `judge` gives them."""
    return _SECTION.format(
        version=version,
        before=before,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        learnt=len(learnt),
        writers=len({sample.writer for sample in learnt} - {NOBODY}),
        languages=", ".join(sorted({language_of(sample.truth) for sample in learnt} - {""})),
        lines=lines,
        rows="\n".join(
            f"| {name} | {row['lines']} | {row['cer_before']:.4f} | {row['cer_after']:.4f} |"
            for name, row in figures.items()
            if "cer_after" in row
        ),
    )
