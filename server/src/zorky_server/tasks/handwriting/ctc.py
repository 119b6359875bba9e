"""CTC decoding (Graves et al. 2006): from the recogniser's frames to words with their place in the strip."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .scripts import in_one_script

BLANK = 0
_BEAM = 12
_TOKENS = 6
"""Classes tried a frame in the beam search; the others have practically no probability there."""


@dataclass(frozen=True, slots=True)
class CtcWord:
    """One word of a line: its text, its frames [start, end) and the scores of its best path."""

    text: str
    start: int
    end: int
    gap_before: float
    """Frame in the middle of the gap before the word; the strip's start for the first."""
    gap_after: float
    """Frame in the middle of the gap behind the word; the strip's end for the last."""
    path_log: float
    """Log-probability of the best path over the word's frames, <= 0."""
    weakest_log: float
    """The smallest log-probability of a frame, <= 0."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Frames [start, end) on which the best path stays in one class."""

    token: int
    start: int
    end: int


def decode_words(frames: NDArray[np.float32], charset: str, joined: bool = False) -> list[CtcWord]:
    """Best-path decoding, each word in one script. frames: (T, 1 + len(charset)) probabilities.

    joined: the line is one word; spaces go.
    """
    best = frames.argmax(axis=1)
    logs = np.log(np.maximum(frames[np.arange(len(best)), best], 1e-9))
    runs = [run for run in _runs(best) if run.token != BLANK]
    words: list[list[_Run]] = [[]]
    gaps = [0.0]
    for run in runs:
        if charset[run.token - 1] != " ":
            words[-1].append(run)
        elif words[-1] and not joined:
            gaps.append((run.start + run.end) / 2)
            words.append([])
    gaps.append(float(len(best)))
    spelled = [(runs, before, after) for runs, (before, after) in zip(words, pairwise(gaps), strict=True) if runs]
    decoded = [_word(runs, before, after, logs, charset) for runs, before, after in spelled]
    texts = in_one_script([word.text for word in decoded])
    return [replace(word, text=text) for word, text in zip(decoded, texts, strict=True)]


def _runs(best: NDArray[np.intp]) -> list[_Run]:
    borders = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    return [_Run(int(best[start]), start, end) for start, end in pairwise(borders)]


def _word(runs: list[_Run], before: float, after: float, logs: NDArray[np.float32], charset: str) -> CtcWord:
    start, end = runs[0].start, runs[-1].end
    text = "".join(charset[run.token - 1] for run in runs)
    inside = logs[start:end]
    return CtcWord(text, start, end, before, after, float(inside.sum()), float(inside.min()))


def readings(frames: NDArray[np.float32], charset: str) -> list[tuple[str, float]]:
    """The likeliest texts of the frames with their probabilities, best first, by prefix beam search.

    Hannun et al. 2014, without a language model. Texts hold no spaces.
    """
    beam: dict[tuple[int, ...], tuple[float, float]] = {(): (1.0, 0.0)}
    for frame in frames:
        tokens = np.argsort(frame)[-_TOKENS:].tolist()
        beam = _extended(beam, {token: float(frame[token]) for token in {*tokens, BLANK}})
    texts: dict[str, float] = defaultdict(float)
    for prefix, (blank, letter) in beam.items():
        texts["".join(charset[token - 1] for token in prefix).replace(" ", "")] += blank + letter
    return sorted(texts.items(), key=lambda reading: -reading[1])


def _extended(
    beam: dict[tuple[int, ...], tuple[float, float]], frame: dict[int, float]
) -> dict[tuple[int, ...], tuple[float, float]]:
    """One frame further. Each prefix has two probabilities: ending in a blank, ending in its last letter."""
    blanks: dict[tuple[int, ...], float] = defaultdict(float)
    letters: dict[tuple[int, ...], float] = defaultdict(float)
    for prefix, (blank, letter) in beam.items():
        for token, p in frame.items():
            if token == BLANK:
                blanks[prefix] += p * (blank + letter)
            elif prefix and token == prefix[-1]:
                letters[prefix] += p * letter
                letters[(*prefix, token)] += p * blank
            else:
                letters[(*prefix, token)] += p * (blank + letter)
    prefixes = sorted(blanks.keys() | letters.keys(), key=lambda prefix: -(blanks[prefix] + letters[prefix]))
    return {prefix: (blanks[prefix], letters[prefix]) for prefix in prefixes[:_BEAM]}
