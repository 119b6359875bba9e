"""What the beam asks of a text: likely words of one language, between spaces and marks that it leaves alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, pow

from .language_model import Language, State


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


class Spelling:
    """How a charset's classes spell one language, and what each is worth. Made once for a model."""

    def __init__(self, language: Language, letters: str, charset: str, weights: Weights) -> None:
        """letters: of the language, in the order of their labels."""
        known = {c: label for label, c in enumerate(letters, start=1)}
        known["ё"] = known.get("е", 0)
        self.inside = [0] + [known.get(c.lower(), 0) for c in charset]
        """By class: the letter's label in the language, 0 for all that is no letter of it."""
        self.first = [0] + [0 if c in "-'" else known.get(c.lower(), 0) for c in charset]
        """The same at a word's beginning, where no joint can stand."""
        self.foreign = {i for i, c in enumerate(charset, start=1) if c.isalpha() and not self.inside[i]}
        self.letter = [exp(weights.letter + weights.rarity * language.rarity[label]) for label in self.inside]
        """By class: what it is worth as a letter."""
        self.parting = [1.0] + [exp(weights.space if c == " " else weights.mark) for c in charset]
        """By class: what it is worth as a mark or a space."""
        self.language, self.exponent = language, weights.language
        self.word, self.line = language.word(starts_line=False), language.word(starts_line=True)
        """Before a word, and before the first of a line."""


class WordGrammar:
    """Weighs the text of one piece. Between words it stands before the first letter of the next."""

    def __init__(self, spelling: Spelling, place: Place) -> None:
        self._spelling, self._place, self._language = spelling, place, spelling.language
        self._exponent, self._inside, self._first = spelling.exponent, spelling.inside, spelling.first

    def begin(self) -> State:
        return self._spelling.line if self._place.starts_line else self._spelling.word

    def weigh(self, state: State, token: int) -> float:
        label = self._inside[token] if state.begun else self._first[token]
        share = self._language.share(state, label) if label else 0.0
        if share:
            weight: float = share**self._exponent
            return weight * self._spelling.letter[token]
        return 0.0 if token in self._spelling.foreign else self._ended(state) * self._spelling.parting[token]

    def grow(self, state: State, token: int) -> State:
        label = self._inside[token] if state.begun else self._first[token]
        return (label and self._language.grow(state, label)) or self._spelling.word

    def _ended(self, state: State) -> float:
        """The factor of a word's end, where there is a word."""
        return pow(self._language.close(state), self._exponent) if state.begun else 1.0

    def close(self, state: State) -> float:
        if self._place.ends_line and state.broken > self._language.close(state):
            return pow(state.broken, self._exponent)
        return self._ended(state)
