"""When tuning is worth its while: people have corrected enough, or the answers have become worse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

from zorky_server.report.figures import AnswerQuality

RECENT_DAYS, EARLIER_DAYS = 7, 28
"""The last days, and those before them that they are compared with."""
LEAST_CORRECTIONS = 10
"""However bad the answers have become, from fewer there is nothing to learn."""
_LEAST_ANSWERS = 200
"""Of either span: of fewer, chance makes too much."""
_SURE = 3.0
"""Standard errors between two shares that are no chance: one comparison in 700 is a false alarm."""
_CONFIDENCE_LOST = 0.05
"""Of the mean confidence: pictures have become harder than those that the model knows."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What people said of the answers of a span, and how sure these were."""

    answers: int
    corrected: int
    rated: int
    rated_bad: int
    confidence: float
    """Mean over the answers that have one, 0 to 1; 0 where none has."""

    @classmethod
    def of(cls, rows: Iterable[AnswerQuality]) -> Quality:
        """Over all languages and versions."""
        rows = list(rows)
        with_words = [(row.answers, row.mean_confidence) for row in rows if row.mean_confidence is not None]
        answers = sum(count for count, _ in with_words)
        return cls(
            answers=sum(row.answers for row in rows),
            corrected=sum(row.corrected for row in rows),
            rated=sum(row.rated_good + row.rated_bad for row in rows),
            rated_bad=sum(row.rated_bad for row in rows),
            confidence=sum(count * mean for count, mean in with_words) / answers if answers else 0.0,
        )


def reason_to_tune(corrections: int, enough: int, recent: Quality, earlier: Quality) -> str | None:
    """A sentence with figures, or None. corrections: since the last attempt; enough: so many suffice by themselves."""
    if corrections >= enough:
        return f"{corrections} new corrections, {enough} are enough"
    if corrections < LEAST_CORRECTIONS or min(recent.answers, earlier.answers) < _LEAST_ANSWERS:
        return None
    if _rises(earlier.corrected, earlier.answers, recent.corrected, recent.answers):
        return _risen("corrected", earlier.corrected, earlier.answers, recent.corrected, recent.answers)
    if _rises(earlier.rated_bad, earlier.rated, recent.rated_bad, recent.rated):
        return _risen("rated bad", earlier.rated_bad, earlier.rated, recent.rated_bad, recent.rated)
    if recent.confidence < earlier.confidence - _CONFIDENCE_LOST:
        return f"the mean confidence fell from {earlier.confidence:.2f} to {recent.confidence:.2f}"
    return None


def _rises(before: int, of_before: int, after: int, of_after: int) -> bool:
    """Whether the second share is larger by more than chance: the two-proportion z-test."""
    if not of_before or not of_after:
        return False
    pooled = (before + after) / (of_before + of_after)
    error = sqrt(pooled * (1 - pooled) * (1 / of_before + 1 / of_after))
    return after / of_after - before / of_before > _SURE * error > 0


def _risen(what: str, before: int, of_before: int, after: int, of_after: int) -> str:
    return f"{after} of {of_after} answers were {what} in {RECENT_DAYS} days, {before} of {of_before} in those before"
