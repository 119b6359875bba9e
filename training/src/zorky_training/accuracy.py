"""How far readings are from the truth. Texts are compared after `charset.loosen`, the same for every system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from rapidfuzz.distance import Levenshtein

from .charset import loosen
from .reading import Read


@dataclass(frozen=True)
class Digits:
    """Digits of the truth that stand in the reading where an alignment with the fewest edits puts them.

    in_truth, in_reading, found: counts, over all pictures.
    """

    in_truth: int
    in_reading: int
    found: int

    @property
    def precision(self) -> float:
        """Share of the digits read that are right; nan without any."""
        return self.found / self.in_reading if self.in_reading else float("nan")

    @property
    def recall(self) -> float:
        """Share of the truth's digits that were read; nan without any."""
        return self.found / self.in_truth if self.in_truth else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; nan where there are no digits at all."""
        both = self.in_truth + self.in_reading
        return 2 * self.found / both if both else float("nan")


@dataclass(frozen=True)
class Accuracy:
    """cer, wer: edits of characters and of words by those of the truth, >= 0. exact: share of pictures read without an
    edit. seconds: of a core, a picture."""

    pictures: int
    characters: int
    cer: float
    wer: float
    exact: float
    digits: Digits
    seconds: float


def accuracy(reads: Sequence[Read]) -> Accuracy:
    """The figures of one system over pictures, at least one; edits are summed before they are divided."""
    pairs = [(loosen(read.sample.truth), loosen(read.text)) for read in reads]
    characters, words = sum(len(truth) for truth, _ in pairs), sum(len(truth.split()) for truth, _ in pairs)
    edits = sum(Levenshtein.distance(truth, text) for truth, text in pairs)
    word_edits = sum(Levenshtein.distance(truth.split(), text.split()) for truth, text in pairs)
    return Accuracy(
        pictures=len(pairs),
        characters=characters,
        cer=edits / characters,
        wer=word_edits / words,
        exact=mean(truth == text for truth, text in pairs),
        digits=digits(pairs),
        seconds=mean(read.seconds for read in reads),
    )


def digits(pairs: Sequence[tuple[str, str]]) -> Digits:
    """Counts the digits of pairs of truth and reading."""
    found = sum(truth[i].isdigit() for truth, text in pairs for i in kept(truth, text))
    in_truth, in_reading = (sum(one.isdigit() for pair in pairs for one in pair[side]) for side in (0, 1))
    return Digits(in_truth, in_reading, found)


def right_words(read: Read) -> list[bool]:
    """Which of the read words are in the truth where an alignment of the words with the fewest edits puts them."""
    words = [loosen(word.text) for word in read.words]
    right = set(kept(words, loosen(read.sample.truth).split()))
    return [i in right for i in range(len(words))]


def kept(one: Sequence[str], other: Sequence[str]) -> list[int]:
    """Indices of `one` that an alignment with `other` of the fewest edits leaves as they are."""
    blocks = Levenshtein.opcodes(one, other)
    return [i for block in blocks if block.tag == "equal" for i in range(block.src_start, block.src_end)]
