"""Composing lines from letters: joins, gaps and the manner in which a line is written."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from zorky_training.compose import compose
from zorky_training.glyphs import Glyph, exit_of, linked, resampled
from zorky_training.ink import Ink, Points
from zorky_training.manner import Manner
from zorky_training.minims import MINIM_LETTERS, Minims


def drawn(*nodes: tuple[float, float]) -> Points:
    corners = np.array(nodes, np.float32)
    at = np.linspace(0, len(corners) - 1, 12 * len(corners))
    path = np.stack([np.interp(at, np.arange(len(corners)), corners[:, axis]) for axis in (0, 1)], 1)
    return (path - (path[:, 0].min(), 0)).astype(np.float32)


ARCH = resampled(drawn((0, 0), (0, -1), (0.5, -1), (0.5, 0)))
LOOP = resampled(drawn((0, -1), (0, 0), (-0.2, 1), (-0.6, 1), (0, 0), (0.2, -0.1)))
PLAIN = Manner()


def letters(word: str, joins: bool = True) -> list[Glyph]:
    shapes = {"a": ARCH, "y": LOOP}
    return [Glyph([shapes[letter]], joins=(joins, joins), exit=0) for letter in word]


def written(text: str, manner: Manner, seed: int = 0) -> Ink:
    return compose(text, letters, manner, np.random.default_rng(seed))


def test_joined_letters_are_one_path_a_word() -> None:
    assert len(written("aaa aa", PLAIN).strokes) == 2


def test_letters_that_do_not_join_stay_apart() -> None:
    ink = compose("aaa aa", lambda word: letters(word, joins=False), PLAIN, np.random.default_rng(0))
    assert len(ink.strokes) == 5
    assert ink.width > written("aaa aa", PLAIN).width


def test_a_gap_parts_words_and_stretching_widens_all() -> None:
    narrow, wide = written("a a", PLAIN), written("a a", replace(PLAIN, gap=4.0))
    assert wide.width - narrow.width > 1.5
    assert written("a a", replace(PLAIN, stretch=2.0)).width == pytest.approx(2 * narrow.width)


def test_tails_hang_as_deep_and_as_wide_as_the_manner_has_them() -> None:
    def tail(manner: Manner) -> Points:
        points = written("y", manner).points()
        return np.ptp(points[points[:, 1] > 0.6], axis=0)

    plain, deep, narrow = (tail(manner) for manner in (PLAIN, replace(PLAIN, hanging=2.0), replace(PLAIN, loops=0.0)))
    assert deep[1] > 1.5 * plain[1]
    assert narrow[0] < 0.4 * plain[0]


def test_haste_cuts_corners() -> None:
    def length(manner: Manner) -> float:
        return float(np.hypot(*np.diff(written("aa", manner).strokes[0], axis=0).T).sum())

    assert length(replace(PLAIN, haste=0.2)) < 0.95 * length(PLAIN)


def test_nothing_is_written_of_nothing() -> None:
    assert not written("", PLAIN).strokes


def test_manners_differ_and_a_calm_hand_has_none() -> None:
    rng = np.random.default_rng(1)
    assert len({Manner.random(rng, 1.0).stretch for _ in range(20)}) == 20
    assert Manner.random(rng, 0.0) == Manner(outlined=True)


def test_a_manner_has_letters_as_minims_and_with_bars() -> None:
    rng = np.random.default_rng(0)
    own = Glyph([ARCH])
    assert PLAIN.formed("т", own, rng) is own
    three_legs = replace(PLAIN, minims=Minims.random(rng), minim_letters=frozenset("т")).formed("т", own, rng)
    assert three_legs.joins == (True, True)
    barred = replace(PLAIN, bars=1.0).formed("т", own, rng)
    assert len(barred.strokes) == 2
    assert barred.strokes[1][:, 1].max() < -1


@pytest.mark.parametrize("letter", sorted(MINIM_LETTERS))
def test_rows_of_minims_stand_on_the_line(letter: str) -> None:
    minims = Minims(arches=(1.0, 0.0), garlands=(0.0, 1.0), width=0.6, is_barred=False)
    glyph = minims.glyph(letter, np.random.default_rng(0))
    body = glyph.strokes[0]
    assert body[:, 0].min() == pytest.approx(0, abs=1e-5)
    assert body[:, 1].min() == pytest.approx(-1, abs=0.15)
    assert body[:, 1].max() == pytest.approx(0, abs=0.15) or letter in "цщу"


def bottom_width(letter: str, minims: Minims) -> float:
    """How wide the ink is close to the line: garlands run along it, arcades only touch it."""
    body = minims.glyph(letter, np.random.default_rng(0)).strokes[0]
    return float((body[:, 1] > -0.12).sum())


def test_garlands_are_round_below_and_arcades_are_not() -> None:
    arcade, garland = (1.0, 0.0), (0.0, 1.0)
    assert bottom_width("ш", Minims(arcade, garland, 0.6, False)) > bottom_width(
        "ш", Minims(arcade, arcade, 0.6, False)
    )


def test_the_pen_leaves_a_letter_low_and_to_the_right() -> None:
    breve = np.array(((0.0, -1.5), (0.9, -1.4)), np.float32)
    assert exit_of([ARCH, breve]) == 0
    assert exit_of([breve]) == -1


def test_a_seed_gives_the_same_manner_in_every_process() -> None:
    """Python orders sets of strings anew in each process: no draw may hang on that order."""
    script = (
        "import numpy as np; from zorky_training.manner import Manner;"
        "manners = [Manner.random(np.random.default_rng(seed), 1.0) for seed in range(9)];"
        "print([(sorted(manner.minim_letters), manner.stretch) for manner in manners])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_strokes_without_order_are_turned_for_a_pen_that_goes_on() -> None:
    bar, stem = drawn((0.9, 0), (0.4, 0)), drawn((0.1, -1), (0.0, 0))
    tail = drawn((0.0, 0.3), (-0.5, 1.0))
    glyph = linked(Glyph([bar + np.array((0.4, 0), np.float32), stem, tail]))
    assert glyph.joins == (True, True)
    assert glyph.strokes[0][0][0] == min(stem[:, 0].min(), tail[:, 0].min())
    assert glyph.strokes[glyph.exit][-1][0] == pytest.approx(0.9, abs=1e-5)
    assert len(glyph.strokes) == 3


def test_a_dot_above_a_letter_is_not_joined() -> None:
    dot = np.array(((0.3, -1.6),), np.float32)
    assert linked(Glyph([dot])).joins == (False, False)
