"""CTC decoding against definitions: best paths spelled out by hand, alignments tried one by one."""

from itertools import groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.ctc import BLANK, aligned_words, decode_words

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


def test_a_words_score_is_the_logarithm_over_its_frames() -> None:
    frames = frames_of("-ab-", p=0.8)
    frames[2, 2], frames[2, 1] = 0.5, 0.4
    (word,) = decode_words(frames, CHARSET)
    assert word.path_log == pytest.approx(np.log(0.8 * 0.5), rel=1e-5)


def test_an_alignment_is_the_likeliest_path_that_spells_the_text() -> None:
    frames = np.random.default_rng(4).dirichlet(np.ones(4), size=6).astype(np.float32)
    spelling = [p for p in product(range(4), repeat=6) if [c for c, _ in groupby(p) if c != BLANK] == [1, 2]]
    best = max(float(np.prod(frames[range(6), path])) for path in spelling)
    (word,) = aligned_words(frames, (1, 2), CHARSET)
    inside = np.log(best) - word.path_log
    outside = frames[: word.start, BLANK].tolist() + frames[word.end :, BLANK].tolist()
    assert word.text == "ab"
    assert inside == pytest.approx(np.log(outside).sum(), abs=1e-4)


def test_doubled_letters_are_aligned_with_a_blank_between() -> None:
    first, second = aligned_words(frames_of("a-a -b"), (1, 1, 3, 2), CHARSET)
    assert (first.text, first.start, first.end) == ("aa", 0, 3)
    assert (second.text, second.start, second.end) == ("b", 5, 6)
