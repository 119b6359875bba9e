"""Divides a corrected text among the lines that were read, whatever the person did with the line breaks.

Edit distance (Wagner and Fischer, 1974) with cuts: a line ends between words of the text or, where a word was broken,
inside one. A line may be missing from the text, and the text may say more than was read. Costs are tenths of an edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from ..charset import loosen

_EDIT = 10
_BROKEN_WORD = 15
"""A cut inside a word where no hyphen was read."""
_MARGIN = 10
"""A cut that is better than every other place for it by less than this is uncertain."""
_UNLIKE = 0.7
"""Normalised edit distance beyond which a line and its part have nothing to do with each other."""
_ADDED = 3
"""Letters at a line's end that a reader who saw them would have taken for something."""
_LONGER = 3
"""A text so many times longer than what was read is no correction of it."""
_NEVER = 1 << 40
_HYPHENS = "-=¬"
"""What the hyphen at a line's end is read as."""

Costs = NDArray[np.int64]
"""By place in the text, before its first character to after its last: what explaining everything up to there costs."""


def divide(read: Sequence[str], text: str) -> list[str | None]:
    """The part of a corrected text that stands in each line, its words separated by one space; None where uncertain.

    read: the lines as they were read, none empty. Where a word was broken by a hyphen and the person joined it, the
    hyphen is put back.
    """
    text = "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))
    if not text or len(text) > _LONGER * sum(len(line) + 1 for line in read):
        return [None] * len(read)
    parts = _parts(read, text)
    beside = zip([_EDGE, *parts[:-1]], [*parts[1:], _EDGE], strict=True)
    return [part.text if part and part.stands(*both) else None for part, both in zip(parts, beside, strict=True)]


def changed_runs(was: Sequence[str], now: Sequence[str]) -> list[tuple[range, range]]:
    """Which words of `was` became which words of `now`: runs of neighbours between words that stayed; of a run one of
    the two may be empty."""
    runs, begin, start = list[tuple[range, range]](), 0, 0
    for same in Levenshtein.opcodes(was, now).as_matching_blocks():
        if begin < same.a or start < same.b:
            runs.append((range(begin, same.a), range(start, same.b)))
        begin, start = same.a + same.size, same.b + same.size
    return runs


@dataclass(frozen=True, slots=True)
class _Part:
    """What one line has of the text. starts, ends: whether the person's own line does so there, too."""

    text: str
    starts: bool
    ends: bool

    def stands(self, before: _Part | None, after: _Part | None) -> bool:
        """Beside a line of which nothing is certain only the person's own line breaks tell where this one ends."""
        return (self.starts or before is not None) and (self.ends or after is not None)


_EDGE = _Part("", True, True)


def _parts(read: Sequence[str], text: str) -> list[_Part | None]:
    """Each line's part, where both of its cuts are certain: every line is seen from the first and from the last."""
    is_broken = [line[-1] in _HYPHENS for line in read[:-1]]
    starts, ends = _swept(read, text, is_broken)
    starts_back, ends_back = _swept([line[::-1] for line in reversed(read)], text[::-1], is_broken[::-1])
    least, parts = int(starts[-1][-1]), list[_Part | None]()
    for i, line in enumerate(read):
        begin = _certain_place(starts[i][:-1] + ends_back[-1 - i][::-1], least)
        end = _certain_place(ends[i] + starts_back[-2 - i][-2::-1], least)
        follows = i > 0 and is_broken[i - 1]
        parts.append(None if begin is None or end is None else _part(line, text, begin, end, follows))
    return parts


def _certain_place(costs: Costs, least: int) -> int | None:
    """The place with the least cost, when leaving the line out costs more and so does every other place."""
    place = int(costs.argmin())
    others = np.delete(costs, place)
    return place if costs[place] == least and (not len(others) or others.min() >= least + _MARGIN) else None


def _part(line: str, text: str, begin: int, end: int, follows: bool) -> _Part | None:
    """text[begin:end], if it resembles the line. follows: the line may begin inside a word."""
    said, is_whole = " ".join(text[begin:end].split()), text[end : end + 1].strip() == ""
    if not said or (begin and not text[begin - 1].isspace() and not follows):
        return None
    if not is_whole:
        if line[-1] not in _HYPHENS:
            return None
        said = said if said[-1] in _HYPHENS else f"{said}-"
    if Levenshtein.normalized_distance(_plain(line), _plain(said)) > _UNLIKE or grows(line, said):
        return None
    return _Part(said, begin == 0 or text[begin - 1] == "\n", text[end : end + 1] in ("", "\n"))


def grows(read: str, said: str) -> bool:
    """Whether the person put a word or several letters before or after what was read: their ink may lie outside the
    line."""
    changes = Levenshtein.opcodes(_plain(read), _plain(said))
    ends = (changes[0], changes[-1]) if len(changes) else ()
    added = [said[change.dest_start : change.dest_end] for change in ends if change.tag == "insert"]
    return any(" " in letters or len(letters) >= _ADDED for letters in added)


def _swept(read: Sequence[str], text: str, is_broken: Sequence[bool]) -> tuple[list[Costs], list[Costs]]:
    """The costs at which each line can start, and those after the last (one place more than the text has, for after
    the break that ends it); and the costs at which each line can end.

    is_broken: for each line but the last, whether a word may go on in the next line.
    """
    ruler = _EDIT * np.arange(len(text) + 2)
    is_end = np.array([character.isspace() for character in f"{text}\n"])
    is_start = np.append(True, is_end)
    is_inside = ~is_start[:-1] & ~is_end
    letters = np.array(list(_plain(text)))
    starts, ends = [np.where(is_start, ruler, _NEVER)], list[Costs]()
    for line, broken in zip(read, [*is_broken, False], strict=True):
        ends.append(_through(line, starts[-1][:-1], letters, ruler[:-1]))
        after = np.append(_NEVER, np.where(is_end, ends[-1], _NEVER))
        after = _inserted(np.minimum(after, starts[-1] + _EDIT * len(line)), ruler)  # or the line was left out
        cut = ends[-1] + (0 if broken else _BROKEN_WORD)
        starts.append(np.where(is_start, after, np.append(np.where(is_inside, cut, _NEVER), _NEVER)))
    return starts, ends


def _through(line: str, costs: Costs, letters: NDArray[np.str_], ruler: Costs) -> Costs:
    """The costs after a line, from those before it. letters: the characters of the text, levelled."""
    costs = _inserted(costs, ruler)
    for letter in _plain(line):
        deleted = costs + _EDIT
        deleted[1:] = np.minimum(deleted[1:], costs[:-1] + np.where(letters == letter, 0, _EDIT))
        costs = _inserted(deleted, ruler)
    return costs


def _inserted(costs: Costs, ruler: Costs) -> Costs:
    """The costs when any number of the text's characters may be put in."""
    return np.asarray(np.minimum.accumulate(costs - ruler) + ruler, np.int64)


def _plain(text: str) -> str:
    """The text in small letters and with its quotes, dashes and ё levelled, as long as before."""
    return "".join(letter.lower()[0] for letter in loosen(text))
