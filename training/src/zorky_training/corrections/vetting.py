"""What is not learnt from: mistakes, spam and vandalism. Every limit errs towards refusing: a line lost costs little, a
wrong one is learnt."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import cv2
from rapidfuzz.distance import Levenshtein

from zorky_server.tasks.handwriting.lines import side_lengths
from zorky_server.tasks.handwriting.strip import HEIGHT, MAX_WIDTH, STRIDE
from zorky_server.tasks.handwriting.values import Quad

from ..charset import fold, loosen
from .alignment import changed_runs
from .care import Care
from .labels import Label, Reason
from .readings import ReadWord, is_same_place

_LINK = re.compile(r"https?:|www\.|\bt\.me/|[\w.]+@\w|\w\.(?:ru|com|net|org|рф|info|io)\b", re.IGNORECASE)
"""Advertising, unless a link was read there, too."""
_DISTANCE, _DISTANCE_OF_UNSURE, _MOST_DISTANCE = 0.25, 0.6, 0.6
"""Normalised edit distance that is believed of a line read with confidence 1, what is added towards confidence 0, and
the most. On drawn pages 99 in 100 true texts of lines with confidence 0.9 stay below 0.2, and of those with 0.5 below
0.55; texts that have nothing to do with each other are 0.7 apart or more."""
_SURE, _REPLACED = 0.7, 0.7
"""Confidence from which a word is not believed to be quite another one, and the normalised edit distance of that."""
_SHORT = 3
"""Letters: shorter words can be quite another one by a slip of the reader."""
_WIDEST_LETTER = 3.0
"""Heights of a line that one character takes at most, spaces around words included."""
_LEAST_HEIGHT = 8.0
"""Pixels: what is lower cannot be read."""
_SAME_TEXT = 3
"""Lines with the same text that are taken of one person."""
_A_DAY = 400
"""Lines: some fifteen pages, more than anyone corrects in a day."""
_DAY = 86_400_000_000
"""Microseconds."""
_REFUSED_AT_LEAST, _REFUSED_PART = 3, 0.25
"""Suspicious lines of a person, and their part of all that person's lines, from which none is believed."""
_SUSPICIOUS = {Reason.LINK, Reason.IMPLAUSIBLE, Reason.CONTRADICTED}
"""Signs of bad will. Signs that nobody knows, and quads that do not fit, come of zeal."""
_TWINS = str.maketrans("abcehkmnoprtuxy", "авсенктпоргтиху")
"""Letters that look alike in both scripts, small or large: which of them was meant is easily misread."""


@dataclass(frozen=True, slots=True, eq=False)
class CorrectedLine:
    """A line that a person put right. user_hash: None where the server was not told whose picture it is."""

    result_id: str
    image_sha256: str
    user_hash: str | None
    label: Label

    @property
    def author(self) -> str:
        """Who answers for it."""
        return author_of(self.user_hash, self.result_id)


def author_of(user_hash: str | None, result_id: str) -> str:
    """Who answers for what was said of a result: a person, or where nobody is known the result alone."""
    return user_hash or result_id


Refusals = dict[CorrectedLine, Reason]


def vetted(lines: Sequence[CorrectedLine], care: Mapping[str, Care]) -> tuple[list[CorrectedLine], Counter[Reason]]:
    """The lines to learn from, the oldest first, and how many are refused for which reason. care: of each author."""
    lines = sorted(lines, key=lambda line: line.label.said_at)
    refused: Refusals = {line: fault for line in lines if (fault := fault_of(line.label))}
    doubtful = (line for line in lines if line.label.untouched < care[line.author].least_confidence)
    refused |= {line: Reason.DOUBTFUL for line in doubtful if line not in refused}
    refused |= {line: Reason.INCREDIBLE for line in lines if not care[line.author].is_credible and line not in refused}
    for rule in (_said_of_one_place, _said_too_often, _said_in_a_day):
        refused |= rule([line for line in lines if line not in refused])
    refused |= _of_distrusted(lines, refused)
    refused |= _unvouched([line for line in lines if line not in refused])
    return [line for line in lines if line not in refused], Counter(refused.values())


def fault_of(label: Label) -> Reason | None:
    """What is wrong with a label by itself."""
    if not all(map(fold, label.text.replace(" ", ""))) or r"\n" in label.text:
        return Reason.CHARACTERS
    if _LINK.search(label.text) and not _LINK.search(" ".join(word.text for word in label.read)):
        return Reason.LINK
    if not _fits(label.quad, fold(label.text)):
        return Reason.ILL_FITTING
    return None if _is_plausible(label.read, label.text) else Reason.IMPLAUSIBLE


def _fits(quad: Quad, text: str) -> bool:
    """Whether the place is a line that has room for the text, as the recogniser sees it, and is filled by it."""
    width, height = side_lengths(quad)
    if height < _LEAST_HEIGHT or not cv2.isContourConvex(quad):
        return False
    steps = width * HEIGHT / height / STRIDE
    needed = len(text) + sum(one == other for one, other in pairwise(text))
    return steps * STRIDE <= MAX_WIDTH and needed <= steps and width <= height * _WIDEST_LETTER * (len(text) + 1)


def _is_plausible(read: Sequence[ReadWord], text: str) -> bool:
    """Whether a text may be what was read as these words. Confidences are calibrated, so they tell how much may be
    wrong; nothing is known of a line that was missed."""
    if not read:
        return True
    was, said = [_looks(word.text) for word in read], [_looks(word) for word in text.split()]
    if not _is_near(" ".join(was), " ".join(said), sum(word.confidence for word in read) / len(read)):
        return False
    return not any(
        min(read[i].confidence for i in before) >= _SURE
        and _is_replaced("".join(was[i] for i in before), "".join(said[i] for i in after))
        for before, after in changed_runs(was, said)
        if before
    )


def _is_near(was: str, said: str, confidence: float) -> bool:
    limit = min(_MOST_DISTANCE, _DISTANCE + _DISTANCE_OF_UNSURE * (1 - confidence))
    edits = Levenshtein.distance(was, said)
    return edits <= 1 or edits <= limit * max(len(was), len(said))


def _is_replaced(was: str, said: str) -> bool:
    return len(was) > _SHORT and Levenshtein.normalized_distance(was, said) > _REPLACED


def _looks(text: str) -> str:
    """The text with all that looks alike levelled."""
    return loosen(text).casefold().translate(_TWINS)


def _said_of_one_place(lines: Sequence[CorrectedLine]) -> Refusals:
    """Of one person the last word counts; of several it must be the same, and is taken once."""
    pairs = [
        (earlier, later)
        for same_picture in _grouped(lines, lambda line: line.image_sha256)
        for earlier, later in combinations(same_picture, 2)
        if is_same_place(earlier.label.quad, later.label.quad)
    ]
    taken_back = {earlier for earlier, later in pairs if earlier.author == later.author}
    refused: Refusals = dict.fromkeys(taken_back, Reason.DUPLICATE)
    for earlier, later in pairs:
        if taken_back & {earlier, later}:
            continue
        if loosen(earlier.label.text) == loosen(later.label.text):
            refused.setdefault(later, Reason.DUPLICATE)
        else:
            refused |= {earlier: Reason.CONTRADICTED, later: Reason.CONTRADICTED}
    return refused


def _said_too_often(lines: Sequence[CorrectedLine]) -> Refusals:
    """All whom nobody knows count as one person, here and below: they may be one."""
    groups = _grouped(lines, lambda line: (line.user_hash, loosen(line.label.text)))
    return {line: Reason.DUPLICATE for group in groups for line in group[_SAME_TEXT:]}


def _said_in_a_day(lines: Sequence[CorrectedLine]) -> Refusals:
    groups = _grouped(lines, lambda line: (line.user_hash, line.label.said_at // _DAY))
    return {line: Reason.TOO_MANY for group in groups for line in group[_A_DAY:]}


def _of_distrusted(lines: Sequence[CorrectedLine], refused: Refusals) -> Refusals:
    """The remaining lines of people many of whose lines are suspicious."""
    distrusted: Refusals = {}
    for group in _grouped(lines, lambda line: line.author):
        suspicious = sum(refused.get(line) in _SUSPICIOUS for line in group)
        if suspicious >= max(_REFUSED_AT_LEAST, _REFUSED_PART * len(group)):
            distrusted |= {line: Reason.DISTRUSTED for line in group if line not in refused}
    return distrusted


def _unvouched(lines: Sequence[CorrectedLine]) -> Refusals:
    """What tells whether the text of a missed line is right are its author's other lines: each needs one of them."""
    refused: Refusals = {}
    for group in _grouped(lines, lambda line: line.author):
        missed = [line for line in group if not line.label.read]
        refused |= dict.fromkeys(missed[len(group) - len(missed) :], Reason.UNVOUCHED)
    return refused


def _grouped(lines: Iterable[CorrectedLine], key: Callable[[CorrectedLine], object]) -> list[list[CorrectedLine]]:
    groups: defaultdict[object, list[CorrectedLine]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return list(groups.values())
