"""CTC decoding (Graves et al. 2006): from the recogniser's frames to words with their place in the strip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .scripts import in_one_script

BLANK = 0


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
    posterior: float = 1.0
    """Share of the beam's probability that reads the word so; 1 where the beam was not asked."""
    rivals: tuple[tuple[str, float], ...] = ()
    """The beam's other readings of the word with their shares, likeliest first."""


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
    decoded = _words(best, logs, charset, joined)
    texts = in_one_script([word.text for word in decoded])
    return [replace(word, text=text) for word, text in zip(decoded, texts, strict=True)]


def _words(best: NDArray[np.intp], logs: NDArray[np.float32], charset: str, joined: bool) -> list[CtcWord]:
    """The words that a path spells. best, logs: (T,) class and log-probability of each frame."""
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
    return [_word(runs, before, after, logs, charset) for runs, before, after in spelled]


def aligned_words(frames: NDArray[np.float32], tokens: tuple[int, ...], charset: str) -> list[CtcWord]:
    """The words of a text along its likeliest alignment with the frames. tokens: classes, no blanks."""
    best = frames.argmax(axis=1)
    greedy = tuple(run.token for run in _runs(best) if run.token != BLANK)
    path = best if greedy == tokens else _alignment(frames, tokens)
    logs = np.log(np.maximum(frames[np.arange(len(path)), path], 1e-9))
    return _words(path, logs, charset, False)


def _alignment(frames: NDArray[np.float32], tokens: tuple[int, ...]) -> NDArray[np.intp]:
    """The class of each frame on the best path that spells the tokens (Viterbi over tokens with blanks between)."""
    states = np.zeros(2 * len(tokens) + 1, np.intp)
    states[1::2] = tokens
    skips = np.zeros(len(states), bool)
    skips[3::2] = states[3::2] != states[1:-2:2]
    emitted = np.log(np.maximum(frames[:, states], 1e-9))
    best = np.full(len(states) + 2, -np.inf)
    best[2:4] = emitted[0, :2]
    came = np.zeros(emitted.shape, np.intp)
    for t in range(1, len(frames)):
        ways = np.stack([best[2:], best[1:-1], np.where(skips, best[:-2], -np.inf)])
        came[t] = ways.argmax(axis=0)
        best[2:] = ways.max(axis=0) + emitted[t]
    at = len(states) - 1 - int(best[-2] > best[-1])
    path = np.empty(len(frames), np.intp)
    for t in range(len(frames) - 1, -1, -1):
        path[t] = states[at]
        at -= came[t, at]
    return path


def _runs(best: NDArray[np.intp]) -> list[_Run]:
    borders = [0, *(np.flatnonzero(np.diff(best)) + 1).tolist(), len(best)]
    return [_Run(int(best[start]), start, end) for start, end in pairwise(borders)]


def _word(runs: list[_Run], before: float, after: float, logs: NDArray[np.float32], charset: str) -> CtcWord:
    start, end = runs[0].start, runs[-1].end
    text = "".join(charset[run.token - 1] for run in runs)
    return CtcWord(text, start, end, before, after, float(logs[start:end].sum()))
