"""How likely a string is as a Russian or English word: a lexicon for known words, letter statistics for all others.

The probability of a word is LEXICON of its share of running text plus the rest of what its letters suggest, so that a
name or an invented word is unlikely and never impossible. At a line's start a word may be the rest of one that was
broken at the line before; at a line's end it may break. Case is the optics' matter: all is lower case here, ё is е.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
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


@dataclass(frozen=True)
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

    def child(self, node: int, label: int) -> int:
        """The node along the edge, or -1."""
        return self.labels.find(label, self.first[node], self.first[node + 1])


@dataclass(frozen=True)
class Language:
    """One language. letters: cost of each label after its CONTEXT labels, flat; label `size` - 1 is an unknown one."""

    words: Trie
    rests: Trie
    letters: bytes
    size: int
    """Labels: END, the letters, the unknown one."""

    def cost(self, context: int, label: int) -> float:
        return self.letters[context * self.size + label] * STEP

    def after(self, context: int, label: int) -> int:
        """The context behind one more letter."""
        return int((context * self.size + label) % self.size**CONTEXT)


@dataclass(slots=True)
class State:
    """A word so far. paths: trie, node and logarithm of the probability; spelled: that of the letters alone."""

    paths: tuple[tuple[Trie, int, float], ...]
    context: int
    spelled: float
    broken: float | None = None
    """Logarithm of the probability that the word breaks here, at the line's end; only after a hyphen."""
    score: float = 0.0
    """Logarithm of the probability of all words that begin so."""
    closed: float | None = None
    grown: dict[int, State | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.score = _sum([log_p for _, _, log_p in self.paths] + [self.spelled])


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
        return State(tuple(paths), 0, log(1 - known))

    def grow(self, language: str, state: State, label: int) -> State | None:
        """The state with one more letter; None where a word cannot go on so (an apostrophe in no known word)."""
        if label not in state.grown:
            state.grown[label] = self._grown(language, state, label)
        return state.grown[label]

    def _grown(self, language: str, state: State, label: int) -> State | None:
        model = self._languages[language]
        letter = SCRIPTS[language][label - 1]
        paths = _followed(state.paths, label)
        if letter == "'" and not paths:
            return None
        if letter == "-":
            return self._hyphened(language, state, paths)
        context = model.after(state.context, label)
        return State(paths, context, state.spelled - model.cost(state.context, label))

    def _hyphened(self, language: str, state: State, paths: tuple[tuple[Trie, int, float], ...]) -> State:
        """A compound, known or not; a second word may follow, or the line's end."""
        begun = self.close(language, state) + _BREAK
        second = (self._languages[language].words, 0, begun + log(LEXICON))
        return State((*paths, second), 0, begun + log(1 - LEXICON), broken=state.score + _BREAK)

    def close(self, language: str, state: State) -> float:
        """Logarithm of the probability of the word that ends here."""
        if state.closed is None:
            spelled = state.spelled - self._languages[language].cost(state.context, END)
            state.closed = _sum([log_p for _, _, log_p in _followed(state.paths, END)] + [spelled])
        return state.closed


def _followed(paths: tuple[tuple[Trie, int, float], ...], label: int) -> tuple[tuple[Trie, int, float], ...]:
    steps = [(trie, trie.child(node, label), log_p) for trie, node, log_p in paths]
    return tuple((trie, node, log_p - trie.costs[node] * STEP) for trie, node, log_p in steps if node >= 0)


def _sum(logs: list[float]) -> float:
    """Logarithm of the sum of numbers given by their logarithms."""
    first, *rest = logs
    for x in rest:
        first = max(first, x) + log1p(exp(-abs(first - x)))
    return first


def _language(name: str, arrays: dict[str, NDArray[np.uint8]]) -> Language:
    tries = [Trie.of(*(arrays[f"{name}.{part}.{what}"] for what in ("labels", "costs", "children")))
             for part in ("words", "rests")]  # fmt: skip
    return Language(tries[0], tries[1], arrays[f"{name}.letters"].tobytes(), len(SCRIPTS[name]) + 2)
