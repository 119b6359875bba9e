"""How likely a string is as a Russian or English word: a lexicon for known words, letter statistics for all others.

The probability of a word is LEXICON of its share of running text plus the rest of what its letters suggest, so that a
name or an invented word is unlikely and never impossible. At a line's start a word may be the rest of one that was
broken at the line before; at a line's end it may break. Case is the optics' matter: all is lower case here, ё is е.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import exp
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCRIPTS = {"ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя-", "en": "abcdefghijklmnopqrstuvwxyz-'"}
"""Letters of each language's words; letter i has the label i + 1. Behind the hyphen stands only the apostrophe."""
END = 0
STEP = 0.08
"""Nats a unit of a stored cost; a cost is a byte."""
CONTEXT = 3
"""Letters that the letter statistics look back."""
LEXICON, RESTS = 0.9, 0.15
"""Shares of a word's probability: the lexicon's; of that, at a line's start, of rests of broken words."""
_BREAK = 0.03
"""Share of a hyphen in a word that the lexicon does not have: a compound, or the line's end."""
_SHARES = [exp(-STEP * cost) for cost in range(256)]
"""The probability that a stored cost stands for."""


@dataclass(frozen=True, slots=True)
class Trie:
    """Words with shares. Nodes lie in breadth-first order: the children of node i are first[i] to first[i + 1] - 1.

    labels: of the edge into each node, in rising order among siblings; END closes a word. costs: of that edge, as the
    negative logarithm of the share of the parent's words that go this way, in STEPs.
    """

    labels: bytes
    costs: bytes
    first: array[int]

    @classmethod
    def of(cls, labels: NDArray[np.uint8], costs: NDArray[np.uint8], children: NDArray[np.uint8]) -> Trie:
        """children: number of each node's."""
        first = np.concatenate(([1], 1 + np.cumsum(children, dtype=np.int32)))
        return cls(labels.tobytes(), costs.tobytes(), array("i", first.astype(np.int32).tobytes()))

    def way(self, node: int, share: float) -> Way:
        return self, self.first[node], self.first[node + 1], share


Way = tuple[Trie, int, int, float]
"""A way through a trie to a node: the node's children, [first, end), and the way's share of the word's probability."""


class State:
    """A word so far. Probabilities in it are shares of that of all words that begin so. Many are made for a line, so
    nothing stands between their making and their use."""

    __slots__ = ("begun", "broken", "end", "row", "spelled", "ways")

    def __init__(self, ways: list[Way], row: int, spelled: float, begun: bool = True, broken: float = 0.0) -> None:
        """row: where the costs of letters behind these ones begin. spelled: by the letters alone. begun: there is a
        letter. broken: of a break here, after a hyphen, at the line's end; it comes on top of the words, so it may
        exceed 1."""
        self.ways, self.row, self.spelled, self.begun, self.broken = ways, row, spelled, begun, broken
        self.end: float | None = None
        """Of the end of the word here, once it was asked for."""


class Language:
    """One language. Immutable; states belong to their caller."""

    def __init__(self, name: str, words: Trie, rests: Trie, letters: bytes, rarity: list[float]) -> None:
        """letters: cost of each label after its CONTEXT labels, flat; there is one more label, an unknown one."""
        labels = {letter: label for label, letter in enumerate(SCRIPTS[name], start=1)}
        self.rarity = rarity
        """By label: negative logarithm of the letter's share of running text."""
        self._words, self._rests, self._letters = words, rests, letters
        self._size = len(labels) + 2
        self._contexts = self._size**CONTEXT
        self._hyphen = labels["-"]

    def word(self, starts_line: bool) -> State:
        """Before the first letter of a word."""
        rests = RESTS if starts_line else 0.0
        ways = [self._words.way(0, LEXICON * (1 - rests))]
        if starts_line:
            ways.append(self._rests.way(0, LEXICON * rests))
        return State(ways, 0, 1 - LEXICON, begun=False)

    def share(self, state: State, label: int) -> float:
        """Of the words that begin as the state, the share that goes on with this letter; 0 where none does (an
        apostrophe in no known word)."""
        known = 0.0
        for trie, first, end, share in state.ways:
            child = trie.labels.find(label, first, end)
            if child >= 0:
                known += share * _SHARES[trie.costs[child]]
        if label >= self._hyphen:
            if label == self._hyphen:
                return known + self.close(state) * _BREAK
            if not known:
                return 0.0
        return known + state.spelled * _SHARES[self._letters[state.row + label]]

    def grow(self, state: State, label: int) -> State | None:
        """The state with one more letter; None where its share is 0."""
        ways = _followed(state.ways, label)
        if label == self._hyphen:
            return self._hyphened(state, ways)
        if label > self._hyphen and not ways:
            return None
        step = state.row + label
        row = step % self._contexts * self._size
        return _normal(ways, row, state.spelled * _SHARES[self._letters[step]])

    def _hyphened(self, state: State, ways: list[Way]) -> State:
        """A compound, known or not; a second word may follow, or the line's end."""
        compound = self.close(state) * _BREAK
        ways.append(self._words.way(0, compound * LEXICON))
        return _normal(ways, 0, compound * (1 - LEXICON), _BREAK)

    def close(self, state: State) -> float:
        """The share of the word that ends here."""
        if state.end is None:
            state.end = self.share(state, END)
        return state.end


class LanguageModel(dict[str, Language]):
    """All languages, by name."""

    @classmethod
    def load(cls, path: Path) -> LanguageModel:
        """Raises OSError, ValueError or KeyError for a file that is none of ours."""
        with np.load(path) as arrays:
            return cls({name: _language(name, dict(arrays)) for name in SCRIPTS})


def _followed(ways: list[Way], label: int) -> list[Way]:
    """The ways that go on so."""
    followed = []
    for trie, first, end, share in ways:
        child = trie.labels.find(label, first, end)
        if child >= 0:
            followed.append(trie.way(child, share * _SHARES[trie.costs[child]]))
    return followed


def _normal(ways: list[Way], row: int, spelled: float, broken: float = 0.0) -> State:
    """The state in which all shares are told of its own words."""
    total = spelled + sum(share for _, _, _, share in ways)
    own = [(trie, first, end, share / total) for trie, first, end, share in ways]
    return State(own, row, spelled / total, broken=broken / total)


def _language(name: str, arrays: dict[str, NDArray[np.uint8]]) -> Language:
    words, rests = (Trie.of(*(arrays[f"{name}.{part}.{what}"] for what in ("labels", "costs", "children")))
             for part in ("words", "rests"))  # fmt: skip
    rarity = (arrays[f"{name}.rarity"] * STEP).tolist()
    return Language(name, words, rests, arrays[f"{name}.letters"].tobytes(), rarity)
