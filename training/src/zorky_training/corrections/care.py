"""How careful and how credible somebody is. Confidences are calibrated, so they tell how many words were wrong."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .readings import ReadWord

SURE = 0.9
"""Confidence from which a word that nobody touched is taken for right."""
_SURE_OF_CAREFUL = 0.6
"""The same of words that a careful person left untouched."""
_CAREFUL_AT_LEAST, _CAREFUL_PART = 3, 0.7
"""Words that a careful person put right, and their part of those that probably were wrong. On five drawn pages it is
0.75 and more for people who put everything right, 0.8 and less for those who put half of it right."""
_OVERRULED, _ALLOWANCE = 3.0, 2.0
"""Times the sure words that probably were wrong, with this allowance, that a credible person puts right. On drawn pages
honest people overrule less than 2 times as many, those who write one letter for another 4 times and more."""


@dataclass(frozen=True, slots=True)
class Care:
    """Words that a person put right, beside those that probably were wrong; the same of the sure ones alone."""

    put_right: int = 0
    wrong: float = 0.0
    overruled: int = 0
    wrong_of_sure: float = 0.0

    @classmethod
    def of(cls, words: Collection[ReadWord], put_right: Collection[ReadWord]) -> Care:
        """words: those of the lines that the person looked at, `put_right` among them."""
        doubts = [(1 - word.confidence, word.confidence >= SURE) for word in words]
        return cls(
            put_right=len(put_right),
            wrong=sum(doubt for doubt, _ in doubts),
            overruled=sum(word.confidence >= SURE for word in put_right),
            wrong_of_sure=sum(doubt for doubt, is_sure in doubts if is_sure),
        )

    def __add__(self, other: Care) -> Care:
        return Care(
            self.put_right + other.put_right,
            self.wrong + other.wrong,
            self.overruled + other.overruled,
            self.wrong_of_sure + other.wrong_of_sure,
        )

    @property
    def least_confidence(self) -> float:
        """From which words that were left untouched are taken for right."""
        is_careful = self.put_right >= max(_CAREFUL_AT_LEAST, _CAREFUL_PART * self.wrong)
        return _SURE_OF_CAREFUL if is_careful else SURE

    @property
    def is_credible(self) -> bool:
        """Whether so many sure words can have been wrong."""
        return self.overruled <= _OVERRULED * (self.wrong_of_sure + _ALLOWANCE)
