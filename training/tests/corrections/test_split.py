"""A writer is learnt from or measured by, and stays where it is."""

from __future__ import annotations

import hashlib
from itertools import pairwise

from zorky_training.corrections.split import NOBODY, Part, parts_of, writer_of

WRITERS = [writer_of(hashlib.sha256(str(number).encode()).hexdigest()) for number in range(400)]


def test_about_one_writer_in_five_is_measured_by() -> None:
    assert 50 < list(parts_of(WRITERS, {}).values()).count("test") < 110


def test_nobody_moves_when_data_grow_one_writer_after_the_other() -> None:
    for first in range(0, 300, 20):
        parts: dict[str, Part] = {}
        for known in range(1, 20):
            now = parts_of(WRITERS[first : first + known], parts)
            assert parts.items() <= now.items()
            assert "test" in now.values() or known == 1
            parts = now


def test_two_writers_suffice_to_have_one_to_learn_from_and_one_to_measure_by() -> None:
    for one, other in pairwise(WRITERS):
        parts = parts_of([one, other], {})
        assert set(parts.values()) == {"train", "test"}
        assert parts == parts_of([other, one], {})


def test_a_data_set_made_anew_puts_all_but_the_last_resort_where_they_were() -> None:
    grown: dict[str, Part] = {}
    for known in range(1, len(WRITERS)):
        grown = parts_of(WRITERS[:known], grown)
    assert sum(part != grown[writer] for writer, part in parts_of(WRITERS[:-1], {}).items()) <= 1


def test_nobody_learnt_from_is_measured_by_when_those_who_were_are_deleted() -> None:
    train = [writer for writer, part in parts_of(WRITERS, {}).items() if part == "train"]
    assert set(parts_of(train, dict.fromkeys(train, "train")).values()) == {"train"}


def test_lines_without_a_writer_are_learnt_from() -> None:
    assert writer_of(None) == NOBODY
    assert parts_of([NOBODY, WRITERS[0]], {})[NOBODY] == "train"
    assert parts_of([NOBODY], {}) == {NOBODY: "train"}
