"""CTC decoding (Graves et al. 2006): from the recogniser's frames to words with their place in the strip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby, pairwise

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
    return words_in_one_script(words_on(frames.argmax(axis=1), frames, charset, joined))


def words_in_one_script(words: list[CtcWord]) -> list[CtcWord]:
    """The words of a line, each in one script where that can be told."""
    texts = in_one_script([word.text for word in words])
    return [word if text == word.text else replace(word, text=text) for word, text in zip(words, texts, strict=True)]


def words_on(path: NDArray[np.intp], frames: NDArray[np.float32], charset: str, joined: bool = False) -> list[CtcWord]:
    """The words that a path spells, (T,) classes of the frames."""
    logs = np.log(np.maximum(frames[np.arange(len(path)), path], 1e-9))
    runs = _runs(path.tolist())
    words: list[list[_Run]] = [[]]
    gaps = [0.0]
    for run in runs:
        if run.token == BLANK:
            continue
        if charset[run.token - 1] != " ":
            words[-1].append(run)
        elif words[-1] and not joined:
            gaps.append((run.start + run.end) / 2)
            words.append([])
    gaps.append(float(len(logs)))
    spelled = [(runs, before, after) for runs, (before, after) in zip(words, pairwise(gaps), strict=True) if runs]
    return [_word(runs, before, after, logs, charset) for runs, before, after in spelled]


def aligned_words(frames: NDArray[np.float32], tokens: tuple[int, ...], charset: str) -> list[CtcWord]:
    """The words of a text along its likeliest alignment with the frames. tokens: classes, no blanks."""
    path = frames.argmax(axis=1)
    if tuple(token for token, _ in groupby(path.tolist()) if token != BLANK) != tokens:
        path = _alignment(frames, tokens)
    return words_on(path, frames, charset)


def _alignment(frames: NDArray[np.float32], tokens: tuple[int, ...]) -> NDArray[np.intp]:
    """The class of each frame on the best path that spells the tokens (Viterbi over tokens with blanks between)."""
    states = np.zeros(2 * len(tokens) + 1, np.intp)
    states[1::2] = tokens
    barrier = np.full(len(states), -np.inf)
    barrier[3::2][states[3::2] != states[1:-2:2]] = 0.0
    emitted = np.log(np.maximum(frames[:, states], 1e-9))
    best = np.full((len(frames), len(states) + 2), -np.inf)
    best[0, 2:4] = emitted[0, :2]
    before = zip(best[:-1, 2:], best[:-1, 1:-1], best[:-1, :-2], strict=True)
    for (stay, step, skip), here, log_p in zip(before, best[1:, 2:], emitted[1:], strict=True):
        np.maximum(stay, step, out=here)
        np.maximum(here, skip + barrier, out=here)
        here += log_p
    return states[_way_back(best.tolist(), barrier.tolist())]


def _way_back(best: list[list[float]], barrier: list[float]) -> list[int]:
    """The state of each frame. best: of the paths that end in each state, behind two that are none."""
    at = len(barrier) - 1 - int(best[-1][-2] > best[-1][-1])
    way = [at]
    for before in reversed(best[:-1]):
        stay, step, skip = before[at + 2], before[at + 1], before[at] + barrier[at]
        at -= 0 if stay >= step and stay >= skip else 1 if step >= skip else 2
        way.append(at)
    return way[::-1]


def _runs(path: list[int]) -> list[_Run]:
    runs, end = [], 0
    for token, same in groupby(path):
        start, end = end, end + len(list(same))
        runs.append(_Run(token, start, end))
    return runs


def _word(runs: list[_Run], before: float, after: float, logs: NDArray[np.float32], charset: str) -> CtcWord:
    start, end = runs[0].start, runs[-1].end
    text = "".join(charset[run.token - 1] for run in runs)
    return CtcWord(text, start, end, before, after, float(logs[start:end].sum()))
