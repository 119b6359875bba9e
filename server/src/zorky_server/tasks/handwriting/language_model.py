"""How likely a string is as a Russian or English word: a lexicon for known words, letter statistics for all others.

The probability of a word is LEXICON of its share of running text plus the rest of what its letters suggest, so that a
name or an invented word is unlikely and never impossible. At a line's start a word may be the rest of one that was
broken at the line before; at a line's end it may break. Case is the optics' matter: all is lower case here, ё is е.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from math import exp, log, log1p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SCRIPTS = {"ru": "абвгдежзийклмнопрстуфхцчшщъыьэюя-", "en": "abcdefghijklmnopqrstuvwxyz-'"}
"""Letters of each language's words; letter i has the label i + 1."""
END = 0
STEP = 0.08
"""Nats a unit of a stored cost; a cost is a byte."""
CONTEXT = 3
"""Letters that the letter statistics look back."""
LEXICON, RESTS = 0.9, 0.15
"""Shares of a word's probability: the lexicon's; of that, at a line's start, of rests of broken words."""
_BREAK = log(0.03)
"""A hyphen in a word that the lexicon does not have: a compound, or the line's end."""


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


@dataclass(frozen=True, slots=True)
class Language:
    """One language. letters: cost of each label after its CONTEXT labels, flat; label `size` - 1 is an unknown one."""

    words: Trie
    rests: Trie
    letters: bytes
    rarity: list[float]
    """By label: negative logarithm of the letter's share of running text."""
    size: int
    """Labels: END, the letters, the unknown one."""
    contexts: int
    hyphen: int
    apostrophe: int | None

    def cost(self, context: int, label: int) -> float:
        return self.letters[context * self.size + label] * STEP

    def after(self, context: int, label: int) -> int:
        """The context behind one more letter."""
        return (context * self.size + label) % self.contexts


Way = tuple[Trie, int, float]
"""A way through a trie to a node, with the logarithm of its probability."""


class State:
    """A word so far. Many are made for a line, so nothing stands between their making and their use."""

    __slots__ = ("broken", "closed", "context", "grown", "paths", "score", "spelled")

    def __init__(self, paths: list[Way], context: int, spelled: float, broken: float | None = None) -> None:
        """spelled: logarithm of the probability by the letters alone. broken: of a break here, after a hyphen, at the
        line's end."""
        self.paths, self.context, self.spelled, self.broken = paths, context, spelled, broken
        self.score = _total(paths, spelled)
        """Logarithm of the probability of all words that begin so."""
        self.closed: float | None = None
        self.grown: dict[int, State | None] = {}


class LanguageModel:
    """All languages, by name. Immutable; states belong to their caller."""

    def __init__(self, languages: dict[str, Language]) -> None:
        self._languages = languages

    @classmethod
    def load(cls, path: Path) -> LanguageModel:
        """Raises OSError, ValueError or KeyError for a file that is none of ours."""
        with np.load(path) as arrays:
            return cls({name: _language(name, dict(arrays)) for name in SCRIPTS})

    def word(self, language: str, starts_line: bool) -> State:
        """Before the first letter of a word."""
        model = self._languages[language]
        known, rests = LEXICON, RESTS if starts_line else 0.0
        paths = [(model.words, 0, log(known * (1 - rests)))]
        if starts_line:
            paths.append((model.rests, 0, log(known * rests)))
        return State(paths, 0, log(1 - known))

    def grow(self, language: str, state: State, label: int) -> State | None:
        """The state with one more letter; None where a word cannot go on so (an apostrophe in no known word)."""
        if label not in state.grown:
            state.grown[label] = self._grown(language, state, label)
        return state.grown[label]

    def _grown(self, language: str, state: State, label: int) -> State | None:
        model = self._languages[language]
        paths = _followed(state.paths, label)
        if label == model.hyphen:
            return self._hyphened(language, state, paths)
        if label == model.apostrophe and not paths:
            return None
        return State(paths, model.after(state.context, label), state.spelled - model.cost(state.context, label))

    def _hyphened(self, language: str, state: State, paths: list[Way]) -> State:
        """A compound, known or not; a second word may follow, or the line's end."""
        begun = self.close(language, state) + _BREAK
        second = (self._languages[language].words, 0, begun + log(LEXICON))
        return State([*paths, second], 0, begun + log(1 - LEXICON), broken=state.score + _BREAK)

    def rarity(self, language: str) -> list[float]:
        """By label: negative logarithm of the letter's share of running text."""
        return self._languages[language].rarity

    def close(self, language: str, state: State) -> float:
        """Logarithm of the probability of the word that ends here."""
        if state.closed is None:
            spelled = state.spelled - self._languages[language].cost(state.context, END)
            state.closed = _total(_followed(state.paths, END), spelled)
        return state.closed


def _followed(paths: list[Way], label: int) -> list[Way]:
    followed = []
    for trie, node, log_p in paths:
        child = trie.labels.find(label, trie.first[node], trie.first[node + 1])
        if child >= 0:
            followed.append((trie, child, log_p - trie.costs[child] * STEP))
    return followed


def _total(paths: list[Way], spelled: float) -> float:
    """Logarithm of the sum of the probabilities."""
    total = spelled
    for _, _, log_p in paths:
        total = max(total, log_p) + log1p(exp(-abs(total - log_p)))
    return total


def _language(name: str, arrays: dict[str, NDArray[np.uint8]]) -> Language:
    words, rests = (Trie.of(*(arrays[f"{name}.{part}.{what}"] for what in ("labels", "costs", "children")))
             for part in ("words", "rests"))  # fmt: skip
    labels = {letter: label for label, letter in enumerate(SCRIPTS[name], start=1)}
    size = len(labels) + 2
    rarity = (arrays[f"{name}.rarity"] * STEP).tolist()
    letters = arrays[f"{name}.letters"].tobytes()
    return Language(words, rests, letters, rarity, size, size**CONTEXT, labels["-"], labels.get("'"))
