"""Values to messages."""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.duration_pb2 import Duration

from zorky.v1 import geometry_pb2, recognition_pb2, result_pb2

from ..runtime.engine import Outcome
from ..tasks.handwriting.model import ModelIdentity
from ..tasks.handwriting.values import Alternative, Line, Notice, Quad, Reading, Word


def result_of(
    result_id: str, recognition: recognition_pb2.Recognition, model: ModelIdentity, outcome: Outcome[Reading]
) -> recognition_pb2.RecognitionResult:
    """A finished answer."""
    return recognition_pb2.RecognitionResult(
        result_id=result_id,
        recognition=recognition,
        model=model_of(model),
        timings=_timings_of(outcome),
        warnings=[_warning_of(notice) for notice in outcome.value.warnings],
    )


def recognition_of(reading: Reading) -> recognition_pb2.Recognition:
    """What was read, with the spans of lines and words in the whole text."""
    page = recognition_pb2.Page(
        width=reading.width,
        height=reading.height,
        rotation_degrees=reading.rotation,
        skew_degrees=reading.skew,
        lines=_lines_of(reading.lines),
    )
    return recognition_pb2.Recognition(text=reading.text, page=page)


def model_of(model: ModelIdentity) -> result_pb2.ModelIdentity:
    """Which model it was."""
    return result_pb2.ModelIdentity(
        name=model.name, version=model.version, sha256=model.sha256, calibration=model.calibration
    )


def duration_of(seconds: float) -> Duration:
    """Seconds as the well-known type."""
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration


def _lines_of(lines: Iterable[Line]) -> Iterable[recognition_pb2.Line]:
    start = 0
    for line in lines:
        yield recognition_pb2.Line(
            text=line.text,
            span=_span(start, line.text),
            quad=_quad_of(line.quad),
            confidence=line.confidence,
            words=_words_of(line.words, start),
        )
        start += len(line.text) + 1  # the line feed


def _words_of(words: Iterable[Word], start: int) -> Iterable[recognition_pb2.Word]:
    for word in words:
        yield recognition_pb2.Word(
            text=word.text,
            span=_span(start, word.text),
            quad=_quad_of(word.quad),
            confidence=word.confidence,
            alternatives=[_alternative_of(other) for other in word.alternatives],
        )
        start += len(word.text) + 1  # the space


def _alternative_of(alternative: Alternative) -> recognition_pb2.Alternative:
    return recognition_pb2.Alternative(text=alternative.text, confidence=alternative.confidence)


def _span(start: int, text: str) -> geometry_pb2.TextSpan:
    return geometry_pb2.TextSpan(start=start, end=start + len(text))


def _quad_of(quad: Quad) -> geometry_pb2.Quad:
    corners = [geometry_pb2.Point(x=x, y=y) for x, y in quad.tolist()]
    return geometry_pb2.Quad(top_left=corners[0], top_right=corners[1], bottom_right=corners[2], bottom_left=corners[3])


def _timings_of(outcome: Outcome[Reading]) -> result_pb2.Timings:
    stages = {stage: duration_of(outcome.stages.get(stage, 0.0)) for stage in ("decode", "detect", "recognize")}
    return result_pb2.Timings(
        queue=duration_of(outcome.queue),
        total=duration_of(outcome.total),
        largest_batch=outcome.largest_batch,
        **stages,
    )


def _warning_of(notice: Notice) -> result_pb2.Warning:
    code = result_pb2.WarningCode.Value(f"WARNING_CODE_{notice.code.name}")
    return result_pb2.Warning(code=code, message=notice.message)
