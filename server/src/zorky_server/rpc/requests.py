"""Messages to values. Whatever a caller can get wrong beside the picture is refused here, as BadField."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from zorky.v1 import feedback_service_pb2 as feedback_messages
from zorky.v1 import recognition_pb2 as messages
from zorky.v1.feedback_pb2 import RATING_BAD, RATING_GOOD, MissedLines, Rating, WordCorrections
from zorky.v1.geometry_pb2 import Point
from zorky.v1.geometry_pb2 import Quad as QuadMessage

from ..runtime.admission import Lane
from ..store import Feedback, MissedLine, Quad, WordCorrection
from ..tasks.handwriting.values import Layout, ReadOptions
from .errors import BadField

MAX_ALTERNATIVES = 10
_MAX_NAME = 128
"""Bytes of the names that callers choose."""
_MAX_TEXT, _MAX_WORD, _MAX_COMMENT = 100_000, 1_000, 2_000
"""Code points."""
_MAX_CORRECTIONS, _MAX_MISSED = 1_000, 100
_LEAST_AREA = 16.0
"""Square pixels: nobody writes smaller."""
_CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")

_LAYOUTS = {
    messages.LAYOUT_UNSPECIFIED: Layout.PAGE,
    messages.LAYOUT_PAGE: Layout.PAGE,
    messages.LAYOUT_LINE: Layout.LINE,
    messages.LAYOUT_WORD: Layout.WORD,
}
_LANES = {
    messages.PRIORITY_UNSPECIFIED: Lane.INTERACTIVE,
    messages.PRIORITY_INTERACTIVE: Lane.INTERACTIVE,
    messages.PRIORITY_BULK: Lane.BULK,
}
_KEEPS = {
    messages.RETENTION_UNSPECIFIED: False,
    messages.RETENTION_NONE: False,
    messages.RETENTION_FEEDBACK: True,
}
_RATINGS: Mapping[Rating.ValueType, Literal["good", "bad"]] = {RATING_GOOD: "good", RATING_BAD: "bad"}

E = TypeVar("E", bound=int)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options of one picture ask for."""

    read: ReadOptions
    lane: Lane
    keeps_picture: bool
    user_key: str


def wanted_of(options: messages.RecognitionOptions, model: str, languages: Collection[str]) -> Wanted:
    """The options as values. model: the name of the only model; languages: those that it knows."""
    if options.model not in ("", model):
        raise BadField(
            "options.model", "UNKNOWN_MODEL", f"there is no such model here: leave it empty or name {model!r}"
        )
    return Wanted(
        ReadOptions(
            layout=_known(options.layout, _LAYOUTS, messages.Layout.Name, "options.layout"),
            languages=_languages(options.languages, languages),
            max_alternatives=_max_alternatives(options.max_alternatives),
            min_confidence=_probability(options.min_confidence, "options.min_confidence"),
        ),
        lane=_known(options.priority, _LANES, messages.Priority.Name, "options.priority"),
        keeps_picture=_known(options.retention, _KEEPS, messages.Retention.Name, "options.retention"),
        user_key=checked_name(options.user_key, "options.user_key"),
    )


def feedback_of(request: feedback_messages.FeedbackRequest) -> Feedback:
    """The feedback as a value."""
    content = request.WhichOneof("content")
    if content is None:
        raise BadField("content", "REQUIRED", "say something: a rating, a text, words or missed lines")
    return Feedback(
        request_id=required(checked_name(request.request_id, "request_id"), "request_id"),
        result_id=required(request.result_id, "result_id"),
        rating=_known(request.rating, _RATINGS, Rating.Name, "rating") if content == "rating" else None,
        text=_short(request.text_correction.text, _MAX_TEXT, "text_correction.text")
        if content == "text_correction"
        else None,
        words=_words(request.word_corrections) if content == "word_corrections" else None,
        missed=_missed(request.missed_lines) if content == "missed_lines" else None,
        comment=_short(request.comment, _MAX_COMMENT, "comment"),
        allow_training=request.allow_training,
    )


def checked_name(name: str, field: str) -> str:
    """A name that the caller chose, when it is short enough."""
    if len(name.encode()) > _MAX_NAME:
        raise BadField(field, "TOO_LONG", f"{field} has more than {_MAX_NAME} bytes: shorten it")
    if "\0" in name:  # not every database can hold it
        raise BadField(field, "NUL_CHARACTER", f"{field} has the character U+0000 in it: leave it out")
    return name


def _known(number: E, values: Mapping[E, T], name: Callable[[E], str], field: str) -> T:
    if number not in values:
        names = ", ".join(name(known) for known in values)
        raise BadField(field, "UNKNOWN_ENUM_VALUE", f"{field} cannot be {number}: choose one of {names}")
    return values[number]


def _languages(asked: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """BCP 47 codes are the same in capitals."""
    languages = tuple(dict.fromkeys(language.lower() for language in asked))
    if not set(languages) <= set(known):
        raise BadField("options.languages", "UNKNOWN_LANGUAGE", f"only these can be read here: {', '.join(known)}")
    return languages


def _max_alternatives(number: int) -> int:
    if number > MAX_ALTERNATIVES:
        raise BadField("options.max_alternatives", "OUT_OF_RANGE", f"ask for at most {MAX_ALTERNATIVES} alternatives")
    return number


def _probability(number: float, field: str) -> float:
    if not 0 <= number <= 1:  # so NaN is refused too
        raise BadField(field, "OUT_OF_RANGE", f"{field} must be between 0 and 1")
    return number


def required(text: str, field: str) -> str:
    """A text that is not empty."""
    if not text:
        raise BadField(field, "REQUIRED", f"{field} is empty: it is required")
    return text


def _short(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise BadField(field, "TOO_LONG", f"{field} has {len(text):,} code points, {limit:,} are accepted: shorten it")
    return text


def _words(message: WordCorrections) -> tuple[WordCorrection, ...]:
    field = "word_corrections.corrections"
    if not 1 <= len(message.corrections) <= _MAX_CORRECTIONS:
        raise BadField(field, "OUT_OF_RANGE", f"send 1 to {_MAX_CORRECTIONS:,} word corrections")
    words: dict[tuple[int, int], WordCorrection] = {}
    for index, correction in enumerate(message.corrections):
        place = f"{field}[{index}]"
        for name in ("line", "word"):
            if not correction.HasField(name):
                raise BadField(f"{place}.{name}", "REQUIRED", f"{place}.{name} is not set: it is required, even when 0")
        if (correction.line, correction.word) in words:
            raise BadField(place, "DUPLICATE", f"{place} corrects a word that was corrected before: send it once")
        text = _short(correction.text, _MAX_WORD, f"{place}.text")
        words[correction.line, correction.word] = WordCorrection(correction.line, correction.word, text)
    return tuple(words.values())


def _missed(message: MissedLines) -> tuple[MissedLine, ...]:
    field = "missed_lines.lines"
    if not 1 <= len(message.lines) <= _MAX_MISSED:
        raise BadField(field, "OUT_OF_RANGE", f"send 1 to {_MAX_MISSED} missed lines")
    missed = []
    for index, line in enumerate(message.lines):
        text_field = f"{field}[{index}].text"
        text = required(_short(line.text, _MAX_WORD, text_field).strip(), text_field)
        if "\n" in text:
            raise BadField(text_field, "OUT_OF_RANGE", f"{text_field} has several lines: send each on its own")
        missed.append(MissedLine(_quad(line.quad, f"{field}[{index}].quad"), text))
    return tuple(missed)


def _quad(message: QuadMessage, field: str) -> Quad:
    """Whether it is inside the picture is for the store to say, which knows the picture's size."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (_point(getattr(message, name), f"{field}.{name}") for name in _CORNERS)
    # Twice the area by the diagonals, positive where the corners go round clockwise, y growing downwards.
    twice = (x2 - x0) * (y3 - y1) - (x3 - x1) * (y2 - y0)
    if not twice >= 2 * _LEAST_AREA:  # so NaN is refused too
        raise BadField(field, "OUT_OF_RANGE", f"{field} encloses nothing: name its corners clockwise around the line")
    return x0, y0, x1, y1, x2, y2, x3, y3


def _point(message: Point, field: str) -> tuple[float, float]:
    for axis in ("x", "y"):
        if not message.HasField(axis):
            raise BadField(f"{field}.{axis}", "REQUIRED", f"{field}.{axis} is not set: it is required, even when 0")
    return message.x, message.y
