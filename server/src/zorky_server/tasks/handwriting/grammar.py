"""What the beam asks of a text: likely words of one language, between spaces and marks that it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import NamedTuple

from .language_model import SCRIPTS, LanguageModel, State


@dataclass(frozen=True, slots=True)
class Weights:
    """How the language model speaks beside the optics: `zorky-train language-model --fit`. Bonuses are in nats."""

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
    rarity: float
    """Part of each letter's rarity that is given back: the optics have learned it, too, and would count it twice."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of text stands: a line's first word may be the rest of a broken one, its last one may break."""

    starts_line: bool
    ends_line: bool


class TextState(NamedTuple):
    """word: the one being spelled, or None between words. at_start: of the line, before any token."""

    word: State | None
    at_start: bool


class Spelling:
    """How a charset's classes spell one language, and what each is worth. Made once for a model."""

    def __init__(self, model: LanguageModel, language: str, charset: str, weights: Weights) -> None:
        known = {c: label for label, c in enumerate(SCRIPTS[language], start=1)}
        known["ё"] = known.get("е", 0)
        rarity = model.rarity(language)
        self.labels = [0] + [known.get(c.lower(), 0) for c in charset]
        """By class: the letter's label in the language, 0 for all that is no letter of it."""
        self.foreign = {i for i, c in enumerate(charset, start=1) if c.isalpha() and not self.labels[i]}
        self.joints = {i for i, c in enumerate(charset, start=1) if c in "-'"}
        """Classes that are letters inside a word only."""
        self.inside = [weights.letter + weights.rarity * rarity[label] for label in self.labels]
        """By class: bonus as a letter."""
        self.between = [0.0] + [weights.space if c == " " else weights.mark for c in charset]
        """By class: bonus as a mark or a space."""
        self.model, self.language, self.exponent = model, language, weights.language


class WordGrammar:
    """Weighs the text of one piece. Its states live as long as it does."""

    def __init__(self, spelling: Spelling, place: Place) -> None:
        self._spelling, self._place, self._model = spelling, place, spelling.model
        self._language, self._exponent = spelling.language, spelling.exponent
        self._word = self._model.word(self._language, starts_line=False)
        self._first = self._model.word(self._language, starts_line=True) if place.starts_line else self._word

    def begin(self) -> TextState:
        return TextState(None, at_start=True)

    def grow(self, state: TextState, token: int) -> tuple[TextState, float] | None:
        word, label = state.word, self._spelling.labels[token]
        if label and (word is not None or token not in self._spelling.joints):
            begun = word or (self._first if state.at_start else self._word)
            longer = self._model.grow(self._language, begun, label)
            if longer is not None:
                gain = self._exponent * (longer.score - begun.score) + self._spelling.inside[token]
                return TextState(longer, False), exp(gain)
        return None if token in self._spelling.foreign else self._parted(word, token)

    def _parted(self, word: State | None, token: int) -> tuple[TextState, float]:
        """Behind a space or a mark, which ends the word."""
        end = 0.0 if word is None else self._model.close(self._language, word) - word.score
        return TextState(None, False), exp(self._exponent * end + self._spelling.between[token])

    def close(self, state: TextState) -> float:
        word = state.word
        if word is None:
            return 1.0
        end = self._model.close(self._language, word)
        if self._place.ends_line and word.broken is not None:
            end = max(end, word.broken)
        return exp(self._exponent * (end - word.score))
