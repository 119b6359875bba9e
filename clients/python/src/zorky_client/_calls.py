"""Every call of the contract as a value: which method, what is sent, what becomes of the answer.

The two clients differ only in how they send these.
"""

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeAlias, TypedDict, TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from zorky.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    feedback_pb2,
    feedback_service_pb2_grpc,
    geometry_pb2,
    recognition_pb2,
    recognition_service_pb2_grpc,
    server_info_service_pb2_grpc,
)
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.server_info_service_pb2 import GetServerInfoRequest
from zorky_client import reports, results
from zorky_client.reports import DeletedData, Report
from zorky_client.results import Feedback, ModelIdentity, Quad, Recognition, ServerInfo

Image: TypeAlias = bytes | str | os.PathLike[str]
"""A picture: the bytes of its file, or the file's path."""

T = TypeVar("T")

DELETION_TIMEOUT = 150.0
"""Seconds: the server waits a minute for others to end reading, and another one for its tables."""


class RecognitionOptions(TypedDict, total=False):
    """How to read a picture. Every key may be left out."""

    layout: Literal["page", "line", "word"]
    """What the picture shows. Default: "page"."""
    languages: list[str] | tuple[str, ...]
    """Languages to expect, as BCP 47 codes ("ru", "en"). Default: all that the model knows."""
    model: str
    """Name of the model to use. Default: the server's choice."""
    max_alternatives: int
    """Other readings wanted for each word, 0 to 10. Default: 0."""
    min_confidence: float
    """Words less probable than this are left out, 0 to 1. Default: 0."""
    priority: Literal["interactive", "bulk"]
    """Who waits: a person, or nobody. Default: "interactive"."""
    retention: Literal["none", "feedback"]
    """Whether the picture may be kept until feedback comes. Default: "none"."""
    user_key: str
    """The caller's own pseudonym for the person who asks; never a name. Default: nobody in particular."""


class FeedbackOptions(TypedDict, total=False):
    """What goes with feedback. Every key may be left out."""

    comment: str
    """Anything the person wants to say. Default: nothing."""
    allow_training: bool
    """Whether the person agreed that picture and correction may be used for training. Default: False."""
    request_id: str
    """Unique for this feedback; give one to repeat a call of an earlier process safely. Default: a new UUID."""


class Stubs:
    """The stubs of every service on one channel, of either kind."""

    def __init__(self, channel: grpc.Channel | grpc.aio.Channel) -> None:
        # The stubs ask a channel only for its multi-callables, which both kinds have; what these return differs.
        either: Any = channel
        self.recognition = recognition_service_pb2_grpc.RecognitionServiceStub(either)
        self.feedback = feedback_service_pb2_grpc.FeedbackServiceStub(either)
        self.admin = admin_service_pb2_grpc.AdminServiceStub(either)
        self.info = server_info_service_pb2_grpc.ServerInfoServiceStub(either)
        self.health: Any = health_pb2_grpc.HealthStub(either)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call with one answer."""

    method: Callable[[Stubs], Any]
    request: Message
    convert: Callable[[Any], T]
    least_timeout: float = 0.0
    """Seconds that it is given where nobody says how many."""


def read(image: Image) -> bytes:
    """The bytes of a picture's file. Raises OSError when it cannot be read."""
    return image if isinstance(image, bytes) else Path(image).read_bytes()


def options_message(options: RecognitionOptions) -> recognition_pb2.RecognitionOptions:
    """The contract's options. Raises ValueError for a word that the contract does not have."""
    values: dict[str, Any] = dict(options)
    for option in _ENUMS.keys() & values.keys():
        values[option] = _number(option, values[option])
    return recognition_pb2.RecognitionOptions(**values)


def recognize(image: Image, options: RecognitionOptions) -> Call[Recognition]:
    """Reads one picture."""
    request = RecognizeRequest(image=read(image), options=options_message(options))
    return Call(lambda stubs: stubs.recognition.Recognize, request, lambda answer: results.recognition(answer.result))


def rate(result: Recognition | str, good: bool, options: FeedbackOptions) -> Call[Feedback]:
    """Says whether a result as a whole was good."""
    request = _feedback_request(result, options)
    request.rating = feedback_pb2.RATING_GOOD if good else feedback_pb2.RATING_BAD
    return _feedback(request)


def correct_text(result: Recognition | str, text: str, options: FeedbackOptions) -> Call[Feedback]:
    """Gives the whole text as it should have been read."""
    request = _feedback_request(result, options)
    request.text_correction.text = text
    request.text_correction.SetInParent()  # an empty text says that there is none in the picture
    return _feedback(request)


def correct_words(
    result: Recognition | str, words: Mapping[tuple[int, int], str], options: FeedbackOptions
) -> Call[Feedback]:
    """Gives single words, by line and word from 0, as they should have been read."""
    request = _feedback_request(result, options)
    request.word_corrections.SetInParent()
    for (line, word), text in words.items():
        request.word_corrections.corrections.add(line=line, word=word, text=text)
    return _feedback(request)


def add_missed(
    result: Recognition | str, lines: Sequence[tuple[Quad, str]], options: FeedbackOptions
) -> Call[Feedback]:
    """Gives lines that were not found, and where they stand."""
    request = _feedback_request(result, options)
    request.missed_lines.SetInParent()
    for quad, text in lines:
        request.missed_lines.lines.add(quad=_quad_message(quad), text=text)
    return _feedback(request)


def delete_user_data(user_key: str) -> Call[DeletedData]:
    """Deletes all that is known of one person."""
    request = admin_service_pb2.DeleteUserDataRequest(user_key=user_key)
    return Call(lambda stubs: stubs.admin.DeleteUserData, request, reports.deleted, DELETION_TIMEOUT)


def report(start: datetime | None, end: datetime | None) -> Call[Report]:
    """Asks for figures. Raises ValueError for a moment without a time zone."""
    request = admin_service_pb2.GetReportRequest()
    for field, moment in (("start_time", start), ("end_time", end)):
        if moment is not None:
            if moment.tzinfo is None:
                raise ValueError("a report's start and end need a time zone, as in datetime.now(UTC)")
            getattr(request, field).FromDatetime(moment)
    return Call(lambda stubs: stubs.admin.GetReport, request, reports.report)


def reload_models() -> Call[ModelIdentity]:
    """Has the server look for new models."""
    request = admin_service_pb2.ReloadModelsRequest()
    return Call(lambda stubs: stubs.admin.ReloadModels, request, lambda answer: results.model(answer.model))


def info() -> Call[ServerInfo]:
    """Asks what the server is and accepts."""
    return Call(lambda stubs: stubs.info.GetServerInfo, GetServerInfoRequest(), results.server_info)


def health(service: str) -> Call[bool]:
    """Asks whether a service, or with "" the whole server, is ready to work."""
    request = health_pb2.HealthCheckRequest(service=service)
    return Call(lambda stubs: stubs.health.Check, request, lambda answer: bool(answer.status == _SERVING))


_SERVING = health_pb2.HealthCheckResponse.SERVING
_ENUMS = {
    "layout": recognition_pb2.Layout,
    "priority": recognition_pb2.Priority,
    "retention": recognition_pb2.Retention,
}


def _number(option: str, word: str) -> int:
    """The contract's number for a word: LAYOUT_LINE for layout="line"."""
    prefix = f"{option.upper()}_"
    known = [name.removeprefix(prefix).lower() for name in _ENUMS[option].keys()[1:]]  # the first says unspecified
    if word not in known:
        raise ValueError(f"{option} must be one of {', '.join(known)}, not {word!r}")
    return _ENUMS[option].Value(f"{prefix}{word.upper()}")


def _feedback_request(result: Recognition | str, options: FeedbackOptions) -> FeedbackRequest:
    values: dict[str, Any] = {"request_id": str(uuid.uuid4()), **options}
    request = FeedbackRequest(**values)
    request.result_id = result if isinstance(result, str) else result.result_id
    return request


def _quad_message(quad: Quad) -> geometry_pb2.Quad:
    corners = (geometry_pb2.Point(x=point.x, y=point.y) for point in quad.points)
    return geometry_pb2.Quad(
        **dict(zip(("top_left", "top_right", "bottom_right", "bottom_left"), corners, strict=True))
    )


def _feedback(request: FeedbackRequest) -> Call[Feedback]:
    return Call(lambda stubs: stubs.feedback.Feedback, request, results.feedback)
