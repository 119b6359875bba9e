"""CTC prefix beam search (Hannun et al. 2014) over frames of few candidates, with a grammar that weighs each step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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
_IMPOSSIBLE = 1e-30
"""No class of less probability is tried."""

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

    def weigh(self, state: S, token: int) -> float:
        """The factor of one more token's probability; 0 where it cannot stand."""
        ...

    def grow(self, state: S, token: int) -> S:
        """The state with one more token that can stand. Asked only for the few that the beam keeps."""
        ...

    def close(self, state: S) -> float:
        """The factor of the text's end."""
        ...


class AnyText:
    """Every text is as likely as the optics say."""

    def begin(self) -> None:
        return None

    def weigh(self, state: None, token: int) -> float:
        del state, token
        return 1.0

    def grow(self, state: None, token: int) -> None:
        del state, token

    def close(self, state: None) -> float:
        del state
        return 1.0


class _Prefix(Generic[S]):
    """A text so far, with the probabilities of its alignments that end in a blank and in its last token.

    weights: of one token more. grown: prefixes of one token more that were kept; none knows where it grew, for rings
    of objects would be left to the garbage collector. kept: whether this one is now.
    """

    __slots__ = ("blank", "grown", "kept", "next_blank", "next_token", "state", "text", "token", "token_p", "weights")

    def __init__(self, text: tuple[int, ...], token: int, state: S) -> None:
        """token: the text's last."""
        self.text, self.token, self.state, self.kept = text, token, state, True
        self.weights: dict[int, float] = {}
        self.grown: dict[int, _Prefix[S]] = {}
        self.blank = self.token_p = self.next_blank = self.next_token = 0.0

    def longer(self, token: int, grammar: Grammar[S]) -> _Prefix[S]:
        """With one token more; always the same one."""
        if token not in self.grown:
            self.grown[token] = _Prefix((*self.text, token), token, grammar.grow(self.state, token))
        return self.grown[token]


_Offer = tuple[float, _Prefix[S], int]
"""The probability of a text: of a prefix, and of one token more, or BLANK for none."""


def candidates(frames: NDArray[np.float32], temperature: float = 1.0) -> list[Candidates]:
    """What is tried in each frame, likeliest first; nothing where all is impossible.

    frames: (T, classes) probabilities; temperature > 1 makes them less certain.
    """
    least = np.maximum(_LEAST**temperature * frames.max(axis=1, keepdims=True), _IMPOSSIBLE)
    flat = np.flatnonzero(frames >= least)
    (rows, tokens), p = np.divmod(flat, frames.shape[1]), frames.ravel()[flat]
    order = np.lexsort((-p, rows))
    tempered = p[order].astype(np.float64) ** (1 / temperature)
    tried = list(zip(tokens[order].tolist(), tempered.tolist(), strict=True))
    ends = np.searchsorted(rows, np.arange(len(frames) + 1)).tolist()
    return [tried[start : min(end, start + _TOKENS)] for start, end in pairwise(ends)]


def search(frames: Sequence[Candidates], grammar: Grammar[S]) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest texts as tokens, best first, with the logarithms of their weighed probabilities."""
    root = _Prefix((), BLANK, grammar.begin())
    root.blank, scale = 1.0, 0.0
    beam = [root]
    sure: int | None = None
    for frame in frames:
        before, sure = sure, frame[0][0] if len(frame) == 1 else None
        if sure is not None and sure in (BLANK, before):  # makes all prefixes less likely alike
            scale += log(frame[0][1])
            if sure == BLANK:
                _pause(beam)
            continue
        ranked = _ranked(beam, frame, grammar)
        top = ranked[0][0]
        if top:
            beam = _moved_on(beam, ranked, grammar)
            scale += log(top)
        else:  # no prefix can go on: the frame is passed over
            sure = None
    closed = [(p.text, scale + log((p.blank + p.token_p) * grammar.close(p.state))) for p in beam]
    return sorted(closed, key=lambda one: -one[1])


def _pause(beam: list[_Prefix[S]]) -> None:
    for prefix in beam:
        prefix.blank += prefix.token_p
        prefix.token_p = 0.0


def _ranked(beam: list[_Prefix[S]], frame: Candidates, grammar: Grammar[S]) -> list[_Offer[S]]:
    """The texts after one more frame, likeliest first."""
    letters = dict(frame)
    blank = letters.pop(BLANK, 0.0)
    for prefix in beam:
        prefix.next_blank = blank * (prefix.blank + prefix.token_p)
        prefix.next_token = letters.get(prefix.token, 0.0) * prefix.token_p
    offers = _offers(beam, letters, frame[0][1], grammar) if letters else []
    stays = [(prefix.next_blank + prefix.next_token, prefix, BLANK) for prefix in beam]
    return sorted(stays + offers, key=_likelihood, reverse=True)


def _offers(beam: list[_Prefix[S]], letters: dict[int, float], best: float, grammar: Grammar[S]) -> list[_Offer[S]]:
    """Texts with one more token, but for those that are kept already: they become likelier. best: of the frame."""
    worst = beam[-1].blank + beam[-1].token_p if len(beam) == WIDTH else 0.0
    floor = max(_FALL, worst * _HOPE) * best
    offers, tried = [], list(letters.items())
    for prefix in beam:
        total, weights = prefix.blank + prefix.token_p, prefix.weights
        for token, p in tried:
            fresh = p * total
            if fresh <= floor:
                break
            if token == prefix.token:
                fresh = p * prefix.blank
                if fresh <= floor:
                    continue
            if token not in weights:
                weights[token] = grammar.weigh(prefix.state, token)
            fresh *= weights[token]
            longer = prefix.grown.get(token)
            if longer is not None and longer.kept:
                longer.next_token += fresh
            elif fresh:
                offers.append((fresh, prefix, token))
    return offers


def _moved_on(beam: list[_Prefix[S]], ranked: list[_Offer[S]], grammar: Grammar[S]) -> list[_Prefix[S]]:
    """The likeliest prefixes; the best has the probability 1 from here, so that none vanishes."""
    top = ranked[0][0]
    least = _FALL * top
    for prefix in beam:
        prefix.kept = False
    further = []
    for p, prefix, token in ranked[:WIDTH]:
        if p <= least:
            break
        if token == BLANK:
            moved, blank, token_p = prefix, prefix.next_blank, prefix.next_token
        else:
            moved, blank, token_p = prefix.longer(token, grammar), 0.0, p
        moved.blank, moved.token_p, moved.kept = blank / top, token_p / top, True
        further.append(moved)
    return further
