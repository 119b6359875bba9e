"""CTC prefix beam search (Hannun et al. 2014) over frames of few candidates, with a grammar that weighs each step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import log
from operator import itemgetter
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

BLANK = 0
_likelihood = itemgetter(0)
WIDTH = 12
"""Prefixes kept after each frame."""
_TOKENS = 8
"""Classes tried a frame; the others have practically no probability there."""
_LEAST = 1e-2
"""Of a class that is tried, relative to the frame's best."""

S = TypeVar("S")
"""What a grammar remembers of a prefix."""

_FALL = 1e-3
"""Prefixes less likely than this beside the best are dropped."""

_HOPE = 0.3
"""A longer prefix is not even tried where its probability would be this part of the least likely one's in a full beam:
no grammar will lift it back."""

Candidates = list[tuple[int, float]]
"""Classes of a frame with their probabilities."""


class Grammar(Protocol[S]):
    """Weighs texts token by token."""

    def begin(self) -> S:
        """Of the empty prefix."""
        ...

    def grow(self, state: S, token: int) -> tuple[S, float] | None:
        """The state with one more token and the factor of its probability; None where the token cannot stand."""
        ...

    def close(self, state: S) -> float:
        """The factor of the text's end."""
        ...


class AnyText:
    """Every text is as likely as the optics say."""

    def begin(self) -> None:
        return None

    def grow(self, state: None, token: int) -> tuple[None, float]:
        del state, token
        return None, 1.0

    def close(self, state: None) -> float:
        del state
        return 1.0


class _Prefix(Generic[S]):
    """A text so far, with the probabilities of its alignments that end in a blank and in its last token."""

    __slots__ = ("blank", "grown", "next_blank", "next_token", "parent", "state", "token", "token_p", "weight")

    def __init__(self, parent: _Prefix[S] | None, token: int, state: S, weight: float) -> None:
        self.parent, self.token, self.state, self.weight = parent, token, state, weight
        self.grown: dict[int, _Prefix[S]] = {}
        self.blank = self.token_p = self.next_blank = self.next_token = 0.0

    def text(self) -> tuple[int, ...]:
        tokens, at = [], self
        while at.parent is not None:
            tokens.append(at.token)
            at = at.parent
        return tuple(reversed(tokens))


def candidates(frames: NDArray[np.float32], temperature: float = 1.0) -> list[Candidates]:
    """What is tried in each frame. frames: (T, classes) probabilities; temperature > 1 makes them less certain."""
    most = min(_TOKENS, frames.shape[1])
    tokens = np.argpartition(frames, -most, axis=1)[:, -most:]
    p = np.take_along_axis(frames, tokens, axis=1).astype(np.float64)
    p **= 1 / temperature
    least = _LEAST * p.max(axis=1)
    rows = zip(tokens.tolist(), p.tolist(), least.tolist(), strict=True)
    return [[(token, q) for token, q in zip(row, ps, strict=True) if q >= low] for row, ps, low in rows]


def search(frames: Sequence[Candidates], grammar: Grammar[S]) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest texts as tokens, best first, with the logarithms of their weighed probabilities."""
    root = _Prefix(None, BLANK, grammar.begin(), 1.0)
    root.blank, scale = 1.0, 0.0
    beam = [root]
    for frame in frames:
        beam = _advanced(beam, frame, grammar) or beam
        scale += _rescaled(beam)
    closed = [(p.text(), scale + log((p.blank + p.token_p) * grammar.close(p.state))) for p in beam]
    return sorted(closed, key=lambda one: -one[1])


def _advanced(beam: list[_Prefix[S]], frame: Candidates, grammar: Grammar[S]) -> list[_Prefix[S]]:
    """One frame further; none where no prefix can go on."""
    touched: dict[_Prefix[S], None] = dict.fromkeys(beam)
    worst = beam[-1].blank + beam[-1].token_p if len(beam) == WIDTH else 0.0
    floor = max(_FALL, worst * _HOPE) * max(p for _, p in frame)
    for prefix in beam:
        total = prefix.blank + prefix.token_p
        for token, p in frame:
            if token == BLANK:
                prefix.next_blank += p * total
                continue
            fresh = total
            if token == prefix.token:
                prefix.next_token += p * prefix.token_p
                fresh = prefix.blank
            if p * fresh > floor:
                longer = prefix.grown.get(token)
                if longer is None:
                    grown = grammar.grow(prefix.state, token)
                    if grown is None:
                        continue
                    longer = prefix.grown[token] = _Prefix(prefix, token, *grown)
                longer.next_token += p * fresh * longer.weight
                touched[longer] = None
    return _best(touched)


def _best(touched: Iterable[_Prefix[S]]) -> list[_Prefix[S]]:
    """The likeliest prefixes, moved on to the next frame; none, and nothing moved, where all are impossible."""
    ranked = sorted(((p.next_blank + p.next_token, p) for p in touched), key=_likelihood, reverse=True)
    least = _FALL * ranked[0][0]
    kept = [prefix for p, prefix in ranked[:WIDTH] if p > least]
    for prefix in kept:
        prefix.blank, prefix.token_p = prefix.next_blank, prefix.next_token
    for _, prefix in ranked:
        prefix.next_blank = prefix.next_token = 0.0
    return kept


def _rescaled(beam: list[_Prefix[S]]) -> float:
    """Brings the best to probability 1, so that none vanishes; the logarithm of what it had."""
    top = beam[0].blank + beam[0].token_p
    for prefix in beam:
        prefix.blank /= top
        prefix.token_p /= top
    return log(top)
