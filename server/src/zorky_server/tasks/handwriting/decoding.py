"""From a line's frames to its words: the optics where they are certain or alone count, a weighed beam elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import pairwise
from math import ceil, exp, log

import numpy as np
from numpy.typing import NDArray

from .beam import AnyText, Candidates, candidates, search
from .ctc import CtcWord, aligned_words, words_in_one_script, words_on
from .grammar import Place, Spelling, Weights, WordGrammar
from .language_model import SCRIPTS, LanguageModel
from .scripts import Scripts, cyrillic_share

_MARKS = frozenset(".,:;!?()\"'«»—-")
_CERTAIN_GAP = 0.98
"""Probability of a space that surely parts its neighbours."""
_SEEN = 0.02
"""Least probability of a space or a mark, beside the frame's best: what no one sees parts no word, however unknown."""
_POSSIBLE = 0.15
"""Share of the letters that a script needs to be tried for a piece."""
_UNIT = 4
"""Letters: a word no longer than this behind a number may be its unit."""

Frames = NDArray[np.float32]


Texts = list[tuple[tuple[int, ...], float]]
"""Readings as tokens with logarithms of their probabilities, likeliest first."""

Rivals = tuple[tuple[str, float], ...]
"""Other readings of a word with their shares, likeliest first."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A line's frames as one beam sees them: the letters of a language, spaces and marks. tried: in each frame."""

    frames: Frames
    tried: list[Candidates]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Neighbouring words of the best path that are decoded together, and their frames [start, end)."""

    words: list[CtcWord]
    start: int
    end: int
    fixed: bool


class LineDecoder:
    """Reads lines with one model. Keeps nothing between them."""

    def __init__(self, charset: str, model: LanguageModel, weights: Weights) -> None:
        self._charset, self._temperature = charset, weights.temperature
        self._spellings = {
            language: Spelling(model[language], SCRIPTS[language], charset, weights) for language in SCRIPTS
        }
        self._scripts = Scripts(charset)
        self._free = frozenset(c for c in charset if c.isalpha()) | _MARKS
        self._space = charset.index(" ") + 1
        classes = list(enumerate(charset, start=1))
        self._parting = np.array([i for i, c in classes if c == " " or c in _MARKS - {"-"}], np.intp)
        self._spelling = np.array([1] + [c in self._free or c == " " for c in charset], np.float32)

    def cyrillic_share(self, lines: Sequence[Frames]) -> float:
        """How much of a page is Cyrillic, 0 to 1; 0.5 where nothing tells."""
        decisive = [self._scripts.decisive(frames) for frames in lines]
        return cyrillic_share(np.concatenate(decisive), 0.5) if lines else 0.5

    def words(self, frames: Frames, joined: bool = False, page: float = 0.5) -> list[CtcWord]:
        """frames: (T, 1 + len(charset)) probabilities. joined: the line is one word; spaces go. page: how much of the
        page around is Cyrillic.
        """
        if joined:
            frames = frames.copy()
            frames[:, 0] += frames[:, self._space]
            frames[:, self._space] = 0
        decisive = self._scripts.decisive(frames)
        share, seen = cyrillic_share(decisive, page), cache(partial(self._seen, frames))
        found: list[CtcWord] = []
        for piece in self._pieces(frames):
            if piece.fixed:
                found += [self._with_rivals(word, seen(None).tried) for word in piece.words]
            else:
                cyrillic = cyrillic_share(decisive[piece.start : piece.end], share)
                found += self._read(piece, seen, {"ru": cyrillic, "en": 1 - cyrillic})
        return words_in_one_script(found)

    def _seen(self, frames: Frames, language: str | None) -> _Seen:
        """language: None where the optics alone count, inside a word."""
        if language is None:
            own = frames.copy()
            own[:, self._space] = 0
        else:
            own = self._scripts.pooled(self._spelled(frames), language)
        return _Seen(own, candidates(own, self._temperature))

    def _spelled(self, frames: Frames) -> Frames:
        """Without digits and signs, and without the spaces and marks that are not seen."""
        spelled = frames * self._spelling
        parting = spelled[:, self._parting]
        spelled[:, self._parting] = np.where(parting < _SEEN * spelled.max(axis=1, keepdims=True), 0, parting)
        return spelled

    def _pieces(self, frames: Frames) -> list[_Piece]:
        path = frames.argmax(axis=1)
        greedy = words_in_one_script(words_on(path, frames, self._charset))
        fixed, spaces = self._fixed(greedy), frames[:, self._space].tolist()
        groups: list[list[int]] = []
        for i, word in enumerate(greedy):
            gap = max(spaces[greedy[i - 1].end : word.start], default=0.0) if i else 1.0
            if not i or gap >= _CERTAIN_GAP or fixed[i] or fixed[i - 1]:
                groups.append([])
            groups[-1].append(i)
        parted = np.flatnonzero(path == self._space).tolist()
        return [_piece([greedy[i] for i in group], parted, len(frames), fixed[group[0]]) for group in groups]

    def _fixed(self, greedy: list[CtcWord]) -> list[bool]:
        """Words that only the optics may tell: those with a digit or a sign, and units behind them."""
        numbers = [any(c not in self._free for c in word.text) for word in greedy]
        units = [i > 0 and numbers[i - 1] and len(word.text.strip(".,;)")) <= _UNIT for i, word in enumerate(greedy)]
        return [number or unit for number, unit in zip(numbers, units, strict=True)]

    def _read(self, piece: _Piece, seen: Callable[[str | None], _Seen], shares: dict[str, float]) -> list[CtcWord]:
        """shares: how likely the piece is of each language."""
        possible = [language for language in shares if shares[language] >= _POSSIBLE]
        texts = {language: self._texts(piece, seen(language), language) for language in possible}
        likeliest = max(texts, key=lambda language: texts[language][0][1] + log(shares[language]))
        return self._words_of(piece, seen(likeliest).frames[piece.start : piece.end], texts[likeliest])

    def _texts(self, piece: _Piece, seen: _Seen, language: str) -> Texts:
        place = Place(piece.start == 0, piece.end == len(seen.tried))
        return search(seen.tried[piece.start : piece.end], WordGrammar(self._spellings[language], place))

    def _with_rivals(self, word: CtcWord, tried: list[Candidates]) -> CtcWord:
        """The word as it is, with other readings of its frames by the optics alone."""
        texts = search(tried[int(word.gap_before) : ceil(word.gap_after)], AnyText())
        own, rivals = _judged(word.text, [(self._text(tokens), p) for tokens, p in _shares(texts)])
        return replace(word, posterior=own, rivals=rivals)

    def _words_of(self, piece: _Piece, frames: Frames, texts: Texts) -> list[CtcWord]:
        """The words of the likeliest text, placed in the line; its other texts of as many words give their rivals."""
        words = aligned_words(frames, texts[0][0], self._charset)
        readings = [(self._text(tokens).split(), p) for tokens, p in _shares(texts)]
        alike = [(texts, p) for texts, p in readings if len(texts) == len(words)]
        gaps = [piece.words[0].gap_before, *(word.gap_after + piece.start for word in words[:-1])]
        gaps.append(piece.words[-1].gap_after)
        return [
            _placed(word, piece.start, gap, _judged(word.text, [(texts[i], p) for texts, p in alike]))
            for i, (word, gap) in enumerate(zip(words, pairwise(gaps), strict=False))
        ]

    def _text(self, tokens: tuple[int, ...]) -> str:
        return "".join(self._charset[token - 1] for token in tokens)


def _shares(texts: Texts) -> list[tuple[tuple[int, ...], float]]:
    """The texts with their shares of the beam's probability."""
    best = texts[0][1]
    total = sum(exp(log_p - best) for _, log_p in texts)
    return [(tokens, exp(log_p - best) / total) for tokens, log_p in texts]


def _judged(word: str, readings: list[tuple[str, float]]) -> tuple[float, Rivals]:
    """The word's share of the readings, and the others as its rivals."""
    shares: dict[str, float] = defaultdict(float)
    for text, p in readings:
        shares[text] += p
    own = shares.pop(word, 0.0)
    shares.pop("", None)
    return own, tuple(sorted(shares.items(), key=lambda one: -one[1]))


def _placed(word: CtcWord, by: int, gap: tuple[float, float], judged: tuple[float, Rivals]) -> CtcWord:
    """A word of a piece that starts `by` frames behind its line."""
    (before, after), (own, rivals) = gap, judged
    return CtcWord(word.text, word.start + by, word.end + by, before, after, word.path_log, own, rivals)


def _piece(words: list[CtcWord], spaces: list[int], length: int, fixed: bool) -> _Piece:
    """spaces: frames whose best class is the space. length: frames of the line."""
    before, after = bisect_left(spaces, words[0].start), bisect_left(spaces, words[-1].end)
    start = spaces[before - 1] + 1 if before else 0
    return _Piece(words, start, spaces[after] if after < len(spaces) else length, fixed)
