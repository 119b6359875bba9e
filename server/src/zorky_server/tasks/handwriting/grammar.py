"""What the beam asks of a text: likely words of one language, between spaces and marks that it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from .language_model import SCRIPTS, LanguageModel, State


@dataclass(frozen=True, slots=True)
class Weights:
    """How the language model speaks beside the optics; fitted by `zorky-train decoding`. Bonuses are in nats."""

    temperature: float
    """Of the recogniser's probabilities: above 1 they count as less certain than they say."""
    language: float
    """Exponent of the language model's probabilities."""
    letter: float
    """Bonus of a letter: the language model takes from each letter, and the optics must not pay with their number."""
    space: float
    """Bonus of a space."""
    mark: float
    """Bonus of a punctuation mark, the same for all of them."""
    case: float
    """Bonus, below 0, of a capital behind a small letter."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of text stands: a line's first word may be the rest of a broken one, its last one may break."""

    starts_line: bool
    ends_line: bool


@dataclass(frozen=True, slots=True)
class TextState:
    """word: the one being spelled, or None between words; small: its last letter was no capital."""

    word: State | None
    at_start: bool
    small: bool = False


class WordGrammar:
    """Words of one language. Its states live as long as it does: make one a piece."""

    def __init__(self, model: LanguageModel, language: str, charset: str, weights: Weights, place: Place) -> None:
        self._model, self._language, self._weights, self._place = model, language, weights, place
        self._charset = charset
        self._labels = {c: label for label, c in enumerate(SCRIPTS[language], start=1)}
        self._starts = {first: model.word(language, first) for first in {False, place.starts_line}}

    def begin(self) -> TextState:
        return TextState(None, self._place.starts_line)

    def grow(self, state: TextState, token: int) -> tuple[TextState, float] | None:
        character = self._charset[token - 1]
        if character.isalpha():
            return self._lettered(state, character)
        if character in "-'" and (joined := self._joined(state, character)):
            return joined
        return self._parted(state, self._weights.space if character == " " else self._weights.mark)

    def _lettered(self, state: TextState, character: str) -> tuple[TextState, float] | None:
        small = character.lower()
        label = self._labels.get("е" if small == "ё" else small)
        if label is None:
            return None
        bonus = self._weights.case if state.small and small != character else 0.0
        return self._spelled(state.word or self._starts[state.at_start], label, small == character, bonus)

    def _joined(self, state: TextState, character: str) -> tuple[TextState, float] | None:
        """A hyphen or an apostrophe inside a word."""
        label = self._labels.get(character)
        return self._spelled(state.word, label, False, 0.0) if state.word and label else None

    def _spelled(self, word: State, label: int, small: bool, bonus: float) -> tuple[TextState, float] | None:
        longer = self._model.grow(self._language, word, label)
        if longer is None:
            return None
        gain = self._weights.language * (longer.score - word.score) + self._weights.letter + bonus
        return TextState(longer, False, small), exp(gain)

    def _parted(self, state: TextState, bonus: float) -> tuple[TextState, float]:
        gain = bonus
        if state.word:
            gain += self._weights.language * (self._model.close(self._language, state.word) - state.word.score)
        return TextState(None, False), exp(gain)

    def close(self, state: TextState) -> float:
        if state.word is None:
            return 1.0
        end = self._model.close(self._language, state.word)
        if self._place.ends_line and state.word.broken is not None:
            end = max(end, state.word.broken)
        return exp(self._weights.language * (end - state.word.score))
