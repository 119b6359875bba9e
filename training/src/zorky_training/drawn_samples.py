"""Lines by synthetic writers that were never trained on, as labelled pictures."""

from __future__ import annotations

import cv2

from zorky_server.tasks.handwriting.values import Layout

from .lines import Engine, Sources
from .samples import Sample, SampleSet

SEED = 79


def drawn_samples(sources: Sources, count: int) -> list[SampleSet]:
    """`count` lines, a set for each writer or typeface. Raises ValueError when no held-out hand is installed."""
    engine, by_hand = Engine(sources, SEED, held_out=True), dict[str, list[Sample]]()
    for number in range(count):
        line = engine.line(number)
        file = cv2.imencode(".png", cv2.cvtColor(line.crop, cv2.COLOR_RGB2BGR))[1].tobytes()
        family = line.hand.partition("_")[0]
        by_hand.setdefault(family, []).append(Sample(f"drawn_{number}", file, line.text, Layout.LINE, family))
    return [SampleSet(hand, by_hand[hand]) for hand in sorted(by_hand)]
