"""CTC decoding against definitions: best paths spelled out by hand, probabilities summed over every alignment."""

from itertools import groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.ctc import BLANK, decode_words, readings

CHARSET = "ab "


def frames_of(path: str, p: float = 0.9) -> NDArray[np.float32]:
    """Frames whose best path is `path`, where "-" is the blank."""
    classes = "-" + CHARSET
    frames = np.full((len(path), len(classes)), (1 - p) / (len(classes) - 1), np.float32)
    frames[np.arange(len(path)), [classes.index(c) for c in path]] = p
    return frames


def test_repeats_collapse_and_blanks_part_them() -> None:
    (word,) = decode_words(frames_of("-aa-ab-"), CHARSET)
    assert word.text == "aab"
    assert (word.start, word.end) == (1, 6)


def test_spaces_part_words_and_gaps_lie_in_the_middle_of_spaces() -> None:
    one, two = decode_words(frames_of("aa-  -bb"), CHARSET)
    assert (one.text, two.text) == ("aa"[:1], "b")
    assert one.gap_before == 0
    assert one.gap_after == two.gap_before == 4
    assert two.gap_after == 8


def test_spaces_at_the_ends_and_in_a_row_make_no_words() -> None:
    assert [word.text for word in decode_words(frames_of(" a - b "), CHARSET)] == ["a", "b"]
    assert decode_words(frames_of("-- --"), CHARSET) == []


def test_joined_text_is_one_word() -> None:
    assert [word.text for word in decode_words(frames_of("a b"), CHARSET, joined=True)] == ["ab"]


def test_scores_are_logarithms_over_the_words_frames() -> None:
    frames = frames_of("-ab-", p=0.8)
    frames[2, 2], frames[2, 1] = 0.5, 0.4
    (word,) = decode_words(frames, CHARSET)
    assert word.path_log == pytest.approx(np.log(0.8 * 0.5), rel=1e-5)
    assert word.weakest_log == pytest.approx(np.log(0.5), rel=1e-5)


def test_readings_have_the_probability_of_all_their_alignments() -> None:
    frames = np.random.default_rng(3).dirichlet(np.ones(4), size=5).astype(np.float32)
    exact: dict[str, float] = {}
    for path in product(range(4), repeat=5):
        text = "".join(CHARSET[c - 1] for c, _ in groupby(path) if c != BLANK).replace(" ", "")
        exact[text] = exact.get(text, 0) + float(np.prod(frames[range(5), path]))
    found = readings(frames, CHARSET)
    best = sorted(exact, key=lambda text: -exact[text])
    assert found[0][0] == best[0]
    assert all(p <= exact[text] + 1e-6 for text, p in found)
    assert found[0][1] == pytest.approx(exact[best[0]], rel=0.2)


def test_readings_of_certain_frames_are_certain() -> None:
    text, p = readings(frames_of("a-ab", p=1.0), CHARSET)[0]
    assert text == "aab"
    assert p == pytest.approx(1.0)
