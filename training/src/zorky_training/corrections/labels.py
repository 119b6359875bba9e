"""From all that was said of one result to the text of its lines.

A rating tells nothing of the text. Not even a good one is a label: people praise what is good enough to use, mistakes
included, and from its own readings a model learns nothing but to be surer of them.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein

from zorky_server.store import Consented, MissedLine
from zorky_server.tasks.handwriting.values import Quad

from ..charset import loosen
from .alignment import divide, grows
from .care import SURE, Care
from .readings import ReadLine, ReadWord, is_same_place, read_lines

_GAP = 2.5
"""Line heights without a word: there may be one that was read and left out of the answer as too uncertain."""
_RESPELLED_AT_LEAST, _RESPELLED_PART = 2, 0.3
"""Words whose capitals a person made small or the other way round, and their part of all words with capitals, from
which this person writes what a page says and not how."""


class Reason(StrEnum):
    """Why what a person said of a line is not learnt from."""

    UNCERTAIN = "no telling which part of the text stands in the line"
    EMPTY = "nothing is written there"
    RESPELLED = "capitals and small letters are the person's own"
    DOUBTFUL = "the line has unsure words that nobody put right"
    CHARACTERS = "characters that the recogniser does not know"
    LINK = "a link or an address"
    ILL_FITTING = "more or fewer letters than the place has room for"
    IMPLAUSIBLE = "too far from what was read, for how sure that was"
    DUPLICATE = "said before of the same place, or too often by the same person"
    CONTRADICTED = "another person says otherwise of the same picture"
    TOO_MANY = "more lines a day than a person corrects"
    INCREDIBLE = "of a person who overrules more sure words than can be wrong"
    DISTRUSTED = "of a person many of whose corrections are refused"
    UNVOUCHED = "missed lines of a person of whose other corrections too few are believed"
    UNREADABLE = "the reading is kept in a form that is not known here"
    FORGOTTEN = "the picture was deleted meanwhile"


_TELLS_NOTHING = {Reason.UNCERTAIN, Reason.RESPELLED}
"""Outcomes of lines that show nothing of how careful a person is."""


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """What a person says stands at a place of a picture. quad: in pixels of the picture as it is viewed. read: what was
    read there, nothing in a line that was missed. untouched: the least confidence of the words that the person left as
    they were read; 1 without any. said_at: microseconds since 1970, UTC."""

    quad: Quad
    text: str
    read: tuple[ReadWord, ...]
    untouched: float
    said_at: int


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a result's lines from what people said of it. care: that of these people, as far as it shows."""

    labels: Sequence[Label]
    unknown: Counter[Reason]
    care: Care


def told(pieces: Sequence[Consented]) -> Told:
    """What the pieces of feedback on one result tell; at least one, the oldest first.

    The later wins line by line; word corrections of one line add up.
    """
    lines, page = read_lines(pieces[0].reading), dict[int, _LineTold]()
    words: defaultdict[int, dict[int, str]] = defaultdict(dict)
    missed: list[Label] = []
    for piece in pieces:
        said, said_at = piece.feedback, piece.created_at
        if said.text is not None:
            words.clear()
            page = dict(enumerate(_by_text(lines, _composed(said.text), said_at)))
        for word in said.words or ():
            words[word.line][word.word] = _composed(word.text)
            page[word.line] = _by_words(lines[word.line], words[word.line], said_at)
        missed += [_missed(line, lines, said_at) for line in said.missed or ()]
    outcomes = [one.outcome for one in page.values()]
    labels = [one for one in outcomes if isinstance(one, Label)]
    unknown = Counter(one for one in outcomes if isinstance(one, Reason))
    if not page:
        return Told(missed, unknown, Care())
    shown = [i for i in range(len(lines)) if i not in page or page[i].outcome not in _TELLS_NOTHING]
    put_right = [word for i in shown if i in page for word in page[i].put_right]
    return Told([*labels, *missed], unknown, Care.of([word for i in shown for word in lines[i].words], put_right))


class _LineTold(NamedTuple):
    """What is told of one line, and which of its words were put right."""

    outcome: Label | Reason
    put_right: Sequence[ReadWord] = ()


def _by_words(line: ReadLine, words: Mapping[int, str], said_at: int) -> _LineTold:
    """The line with single words put right. A word that was sent as it was read is a word that nobody touched."""
    texts = [words.get(i, word.text) for i, word in enumerate(line.words)]
    put_right = [word for word, text in zip(line.words, texts, strict=True) if word.text != text]
    untouched = [word.confidence for word, text in zip(line.words, texts, strict=True) if word.text == text]
    label = Label(line.quad, " ".join(" ".join(texts).split()), line.words, min(untouched, default=1.0), said_at)
    return _LineTold(_unknown(line, label.text) or label, put_right)


def _unknown(line: ReadLine, text: str) -> Reason | None:
    if not text:
        return Reason.EMPTY
    return Reason.UNCERTAIN if line.widest_gap > _GAP or grows(line.text, text) else None


def _by_text(lines: Sequence[ReadLine], text: str, said_at: int) -> list[_LineTold]:
    """The lines of a page whose whole text was put right."""
    parts = divide([line.text for line in lines], text)
    found = [_Found(line, part.split(" ")) if part else None for line, part in zip(lines, parts, strict=True)]
    if _respells([pair for one in found if one for pair in one.same]):
        return [_LineTold(Reason.RESPELLED) for _ in lines]
    return [_LineTold(one.label(said_at), one.put_right) if one else _LineTold(Reason.UNCERTAIN) for one in found]


class _Pair(NamedTuple):
    """A word that was read, and the same word as the person spells it, word `place` of the person's line."""

    read: ReadWord
    said: str
    place: int


class _Found:
    """A line, and the words that the person has for it."""

    def __init__(self, line: ReadLine, said: list[str]) -> None:
        self._line, self._said = line, said
        blocks = Levenshtein.opcodes([_levelled(word.text) for word in line.words], [_levelled(word) for word in said])
        self.same = [
            _Pair(line.words[block.src_start + i], said[block.dest_start + i], block.dest_start + i)
            for block in blocks
            if block.tag == "equal"
            for i in range(block.src_end - block.src_start)
        ]
        stayed = {id(pair.read) for pair in self.same}
        self.put_right = [word for word in line.words if id(word) not in stayed]

    def label(self, said_at: int) -> Label | Reason:
        """Quotes, dashes and ё are typed by habit, so of sure words those that were read stand."""
        sure = [pair for pair in self.same if pair.read.confidence >= SURE]
        if any(map(_is_respelled, sure)):
            return Reason.RESPELLED
        as_read = {pair.place: pair.read.text for pair in sure}
        text = " ".join(as_read.get(place, word) for place, word in enumerate(self._said))
        untouched = min((pair.read.confidence for pair in self.same if pair.read.text == pair.said), default=1.0)
        return Label(self._line.quad, text, self._line.words, untouched, said_at)


def _respells(pairs: Sequence[_Pair]) -> bool:
    """Whether a person writes in small letters, or in capitals, whatever stands there."""
    capitals = [pair for pair in pairs if pair.read.text != pair.read.text.lower() or pair.said != pair.said.lower()]
    respelled = sum(map(_is_respelled, capitals))
    return respelled >= max(_RESPELLED_AT_LEAST, _RESPELLED_PART * len(capitals))


def _is_respelled(pair: _Pair) -> bool:
    """Whether capitals or small letters are others than those that were read."""
    return loosen(pair.read.text) != loosen(pair.said)


def _levelled(word: str) -> str:
    return loosen(word).casefold()


def _missed(line: MissedLine, lines: Sequence[ReadLine], said_at: int) -> Label:
    """What was read in its place all the same is remembered: it tells whether the text can be true."""
    quad = np.array(line.quad, np.float32).reshape(4, 2)
    read = next((other.words for other in lines if is_same_place(quad, other.quad)), ())
    return Label(quad, " ".join(_composed(line.text).split()), read, 1.0, said_at)


def _composed(text: str) -> str:
    """й as one character, as it is in readings."""
    return unicodedata.normalize("NFC", text)
