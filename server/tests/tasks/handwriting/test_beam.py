"""Beam search against the sum over every alignment, and what a grammar may do to it."""

import gc
from itertools import groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.beam import BLANK, AnyText, candidates, search


def exact_texts(frames: NDArray[np.float32]) -> dict[tuple[int, ...], float]:
    """The probability of every text: of all alignments that spell it."""
    length, classes = frames.shape
    texts: dict[tuple[int, ...], float] = {}
    for path in product(range(classes), repeat=length):
        text = tuple(c for c, _ in groupby(path) if c != BLANK)
        texts[text] = texts.get(text, 0) + float(np.prod(frames[range(length), path]))
    return texts


def drawn_frames(length: int) -> NDArray[np.float32]:
    """Random frames of a blank and five letters."""
    return np.random.default_rng(3).dirichlet(np.ones(6), size=length).astype(np.float32)


def test_texts_have_the_probability_of_all_their_alignments() -> None:
    frames = drawn_frames(5)
    exact = exact_texts(frames)
    found = search(candidates(frames), AnyText())
    assert found[0][0] == max(exact, key=lambda text: exact[text])
    assert all(np.exp(log_p) <= exact[text] + 1e-6 for text, log_p in found)
    assert np.exp(found[0][1]) == pytest.approx(exact[found[0][0]], rel=0.1)


def test_certain_frames_have_one_text() -> None:
    frames = np.eye(6, dtype=np.float32)[[1, BLANK, 1, 2, 2]]
    ((text, log_p),) = search(candidates(frames), AnyText())
    assert text == (1, 1, 2)
    assert log_p == pytest.approx(0)


class NoTwos:
    """Allows no class 2, and wants class 1 at half price."""

    def begin(self) -> int:
        return 0

    def weigh(self, state: int, token: int) -> float:
        del state
        return {1: 2.0, 2: 0.0}.get(token, 1.0)

    def grow(self, state: int, token: int) -> int:
        assert token != 2
        return state + 1

    def close(self, state: int) -> float:
        return 0.5**state


def test_a_grammar_weighs_every_step_and_the_end() -> None:
    frames = drawn_frames(4)
    weighed = {
        text: p * 2.0 ** text.count(1) * 0.5 ** len(text) for text, p in exact_texts(frames).items() if 2 not in text
    }
    found = search(candidates(frames), NoTwos())
    assert found[0][0] == max(weighed, key=lambda text: weighed[text])
    assert np.exp(found[0][1]) == pytest.approx(weighed[found[0][0]], rel=0.15)
    assert all(2 not in text for text, _ in found)


def test_frames_without_a_possible_class_are_passed_over() -> None:
    frames = np.eye(6, dtype=np.float32)[[1, 2, 3]]
    assert search(candidates(frames), NoTwos())[0][0] == (1, 3)


@pytest.mark.parametrize("token", [BLANK, 1, 2])
def test_a_sure_frame_seen_again_says_nothing_new_and_costs_its_probability(token: int) -> None:
    sure = np.full((1, 6), 0.002, np.float32)
    sure[0, token] = 0.99
    before, behind = drawn_frames(3), drawn_frames(6)[3:]
    once, often = (search(candidates(np.concatenate((before, *[sure] * times, behind))), AnyText()) for times in (1, 5))
    assert [text for text, _ in often] == [text for text, _ in once]
    assert [log_p for _, log_p in often] == pytest.approx([log_p + 4 * np.log(0.99) for _, log_p in once])


def test_frames_of_nothing_are_passed_over() -> None:
    frames = np.eye(6, dtype=np.float32)[[1, 2, 3]]
    frames[1] = 0
    assert search(candidates(frames), AnyText())[0][0] == (1, 3)


def test_nothing_is_left_to_the_garbage_collector() -> None:
    frames = candidates(drawn_frames(12))
    while gc.collect():  # what others left, and what was left by it
        pass
    gc.disable()
    try:
        search(frames, NoTwos())
        assert gc.collect() == 0
    finally:
        gc.enable()
