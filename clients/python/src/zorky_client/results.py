"""What the server answers, as plain values. Coordinates: pixels of the picture as viewed; durations: seconds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf import json_format

from zorky.v1 import feedback_service_pb2, geometry_pb2, recognition_pb2, result_pb2, server_info_pb2
from zorky.v1 import server_info_service_pb2 as info_pb2


@dataclass(frozen=True, slots=True)
class Point:
    """A point in pixels of the picture as it is viewed; x grows to the right, y downwards."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Quad:
    """Four corners around a text, clockwise from the text's own top-left corner: they turn as the text turns."""

    top_left: Point
    top_right: Point
    bottom_right: Point
    bottom_left: Point

    @property
    def points(self) -> tuple[Point, Point, Point, Point]:
        """The corners in their order."""
        return self.top_left, self.top_right, self.bottom_right, self.bottom_left


@dataclass(frozen=True, slots=True)
class Span:
    """A range of the whole text in code points, start <= i < end: a slice of a Python str."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of a word."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Word:
    """One word with the punctuation that touches it; `confidence` is the probability that it is exactly right."""

    text: str
    span: Span
    quad: Quad
    confidence: float
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text, its words in reading order."""

    text: str
    span: Span
    quad: Quad
    confidence: float
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The picture as a whole: its size as viewed, how the text in it is turned, and its lines in reading order."""

    width: int
    height: int
    rotation_degrees: int
    """Quarter turns clockwise that make the text stand upright: 0, 90, 180 or 270."""
    skew_degrees: float | None
    """How far the lines then slope, positive where they fall to the right; None when no line was found."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The exact model that made a result."""

    name: str
    version: str
    sha256: str
    calibration: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a request went, in seconds."""

    queue: float
    decode: float
    detect: float
    recognize: float
    total: float
    largest_batch: int
    """Lines that shared a run of the model with lines of this picture, at most; these included."""


@dataclass(frozen=True, slots=True)
class Warning:
    """Something to know about a result that is otherwise good."""

    code: str
    """The contract's name without its prefix, for example "LOW_RESOLUTION"."""
    message: str


@dataclass(frozen=True, slots=True)
class Recognition:
    """What was read in one picture."""

    result_id: str
    """Names this result in feedback."""
    text: str
    """The whole text: words separated by one space, lines by one line feed."""
    page: Page
    model: ModelIdentity
    timings: Timings
    warnings: tuple[Warning, ...]
    message: recognition_pb2.RecognitionResult = field(repr=False, compare=False)
    """The same as it came over the wire."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the page."""
        return self.page.lines

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all lines, in reading order."""
        return tuple(word for line in self.page.lines for word in line.words)

    def to_dict(self) -> dict[str, Any]:
        """The contract's JSON mapping of the answer (keys in camelCase), empty lists and texts included."""
        return json_format.MessageToDict(self.message, always_print_fields_with_no_presence=True)


@dataclass(frozen=True, slots=True)
class Feedback:
    """Feedback that the server has kept."""

    feedback_id: str
    create_time: datetime
    """When it was first kept, in UTC."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the reading of handwriting accepts at a server."""

    models: tuple[ModelIdentity, ...]
    """The default first."""
    languages: tuple[str, ...]
    media_types: tuple[str, ...]
    max_image_bytes: int
    max_image_pixels: int
    max_alternatives: int
    max_stream_items_in_flight: int


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server is and what it accepts."""

    server_version: str
    recognition: Capabilities
    result_lifetime: timedelta
    """How long feedback for a result is accepted."""
    message: info_pb2.GetServerInfoResponse = field(repr=False, compare=False)
    """The same as it came over the wire."""


def recognition(result: recognition_pb2.RecognitionResult) -> Recognition:
    """The values of an answer."""
    return Recognition(
        result_id=result.result_id,
        text=result.recognition.text,
        page=_page(result.recognition.page),
        model=model(result.model),
        timings=_timings(result.timings),
        warnings=tuple(Warning(_warning_code(warning.code), warning.message) for warning in result.warnings),
        message=result,
    )


def feedback(response: feedback_service_pb2.FeedbackResponse) -> Feedback:
    """The values of a receipt."""
    return Feedback(response.feedback_id, response.create_time.ToDatetime(tzinfo=UTC))


def server_info(response: info_pb2.GetServerInfoResponse) -> ServerInfo:
    """The values of a server's description."""
    lifetime = response.result_lifetime.ToTimedelta()
    return ServerInfo(response.server_version, _capabilities(response.recognition), lifetime, response)


def model(identity: result_pb2.ModelIdentity) -> ModelIdentity:
    """The values of a model's identity."""
    return ModelIdentity(identity.name, identity.version, identity.sha256, identity.calibration)


def _page(page: recognition_pb2.Page) -> Page:
    return Page(
        width=page.width,
        height=page.height,
        rotation_degrees=page.rotation_degrees,
        skew_degrees=page.skew_degrees if page.HasField("skew_degrees") else None,
        lines=tuple(map(_line, page.lines)),
    )


def _line(line: recognition_pb2.Line) -> Line:
    return Line(line.text, _span(line.span), _quad(line.quad), line.confidence, tuple(map(_word, line.words)))


def _word(word: recognition_pb2.Word) -> Word:
    return Word(word.text, _span(word.span), _quad(word.quad), word.confidence, _alternatives(word.alternatives))


def _alternatives(alternatives: Iterable[recognition_pb2.Alternative]) -> tuple[Alternative, ...]:
    return tuple(Alternative(alternative.text, alternative.confidence) for alternative in alternatives)


def _span(span: geometry_pb2.TextSpan) -> Span:
    return Span(span.start, span.end)


def _quad(quad: geometry_pb2.Quad) -> Quad:
    return Quad(_point(quad.top_left), _point(quad.top_right), _point(quad.bottom_right), _point(quad.bottom_left))


def _point(point: geometry_pb2.Point) -> Point:
    return Point(point.x, point.y)


def _timings(timings: result_pb2.Timings) -> Timings:
    return Timings(
        queue=timings.queue.ToTimedelta().total_seconds(),
        decode=timings.decode.ToTimedelta().total_seconds(),
        detect=timings.detect.ToTimedelta().total_seconds(),
        recognize=timings.recognize.ToTimedelta().total_seconds(),
        total=timings.total.ToTimedelta().total_seconds(),
        largest_batch=timings.largest_batch,
    )


def _warning_code(code: int) -> str:
    """The code's name; a code of a newer contract goes by its number."""
    known = result_pb2.WarningCode.DESCRIPTOR.values_by_number.get(code)
    return known.name.removeprefix("WARNING_CODE_") if known else str(code)


def _capabilities(capabilities: server_info_pb2.RecognitionCapabilities) -> Capabilities:
    return Capabilities(
        models=tuple(map(model, capabilities.models)),
        languages=tuple(capabilities.languages),
        media_types=tuple(capabilities.media_types),
        max_image_bytes=capabilities.max_image_bytes,
        max_image_pixels=capabilities.max_image_pixels,
        max_alternatives=capabilities.max_alternatives,
        max_stream_items_in_flight=capabilities.max_stream_items_in_flight,
    )
