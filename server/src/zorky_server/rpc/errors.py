"""One table from exceptions to what the caller is told: as the trailers of a status, or as the error of an item."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]  # .pyi, no py.typed
from grpc import StatusCode
from grpc_status import rpc_status

from zorky.v1 import recognition_service_pb2 as recognition

from ..report.span import BadSpan
from ..runtime.errors import Expired, ModelFailed, Overloaded
from ..store import NoSuchWord, OutsidePicture, RequestIdReused, StillRead, StoreUnreachable, UnknownResult
from ..tasks.handwriting.model import BadModel
from ..tasks.handwriting.values import BadPicture
from .answers import duration_of

Trailers = tuple[tuple[str, str | bytes], ...]

DOMAIN = "zorky"
_RECONNECTING = 1.0
"""Seconds in which a database that was restarted may be back."""


class BadField(ValueError):
    """A field of the request is at fault. `reason` is stable, for programs; the message tells what to do."""

    def __init__(self, field: str, reason: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.reason = reason


class Undecodable(ValueError):
    """The bytes of a request are not the message that the method takes."""


class NoToken(Exception):
    """The caller showed no token, or a wrong one; the message says how to show it."""


class NoAdmin(Exception):
    """Nobody may do this at this server; the message says what would have to be set."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What the caller is told of an exception."""

    code: StatusCode
    reason: str
    """Stable, for programs: the reason of google.rpc.ErrorInfo."""
    message: str
    field: str = ""
    """The field of the request at fault; empty when none is."""
    retry_after: float | None = None
    """Seconds; None when trying again is of no use."""

    @property
    def is_ours(self) -> bool:
        """Whether the server is at fault, so that the log needs the traceback."""
        return self.code is StatusCode.INTERNAL


def fault_of(error: Exception) -> Fault:
    """The row of the table for an exception; what is in no row is our fault."""
    while isinstance(error, ExceptionGroup):  # what a TaskGroup makes of an exception
        error = error.exceptions[0]
    row = next((row for kind, row in _TABLE.items() if isinstance(error, kind)), None)
    return row(error) if row else _ours("INTERNAL")


def trailers_of(fault: Fault) -> Trailers:
    """The trailing metadata of the status: google.rpc details, and how long a gRPC client's retry policy shall wait."""
    status = status_pb2.Status(code=_number(fault.code), message=fault.message)
    for detail in _details(fault):
        status.details.add().Pack(detail)
    trailers: Trailers = tuple(rpc_status.to_status(status).trailing_metadata)
    if fault.retry_after is None:
        return trailers
    return (*trailers, ("grpc-retry-pushback-ms", str(math.ceil(fault.retry_after * 1000))))


def item_error_of(fault: Fault) -> recognition.ItemError:
    """The same, as the error of one item of a stream."""
    return recognition.ItemError(
        code=_number(fault.code),
        reason=fault.reason,
        message=fault.message,
        field=fault.field,
        retry_delay=None if fault.retry_after is None else duration_of(fault.retry_after),
    )


def _ours(reason: str) -> Fault:
    """Our fault: the caller gets a reference into the log and nothing else."""
    return Fault(StatusCode.INTERNAL, reason, f"internal error, reference {uuid.uuid4().hex}")


def _invalid(reason: str, error: Exception, field: str) -> Fault:
    return Fault(StatusCode.INVALID_ARGUMENT, reason, str(error), field)


_TABLE: dict[type[Exception], Callable[..., Fault]] = {
    BadPicture: lambda error: _invalid(error.reason, error, "image"),
    BadField: lambda error: _invalid(error.reason, error, error.field),
    Undecodable: lambda error: _invalid("MESSAGE_UNDECODABLE", error, ""),
    NoSuchWord: lambda error: _invalid("NO_SUCH_WORD", error, f"word_corrections.corrections[{error.index}]"),
    OutsidePicture: lambda error: _invalid("OUT_OF_RANGE", error, f"missed_lines.lines[{error.index}].quad"),
    StillRead: lambda error: Fault(StatusCode.FAILED_PRECONDITION, "STILL_READ", str(error)),
    StoreUnreachable: lambda _: Fault(
        StatusCode.UNAVAILABLE,
        "STORE_UNREACHABLE",
        "the server cannot reach its store: try again",  # and not where that is, as the exception says
        retry_after=_RECONNECTING,
    ),
    UnknownResult: lambda error: Fault(StatusCode.NOT_FOUND, "RESULT_NOT_FOUND", str(error)),
    RequestIdReused: lambda error: Fault(StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", str(error)),
    Overloaded: lambda error: Fault(StatusCode.UNAVAILABLE, "OVERLOADED", str(error), retry_after=error.retry_after),
    Expired: lambda error: Fault(StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", str(error)),
    BadSpan: lambda error: _invalid("OUT_OF_RANGE", error, "start_time"),
    NoToken: lambda error: Fault(StatusCode.UNAUTHENTICATED, "TOKEN_WRONG", str(error)),
    NoAdmin: lambda error: Fault(StatusCode.PERMISSION_DENIED, "ADMIN_DISABLED", str(error)),
    BadModel: lambda error: Fault(StatusCode.FAILED_PRECONDITION, "BAD_MODEL", str(error)),
    ModelFailed: lambda _: _ours("MODEL_FAILED"),
}


def _details(fault: Fault) -> list[Message]:
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=fault.reason, domain=DOMAIN)]
    if fault.code is StatusCode.INVALID_ARGUMENT:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=fault.field, description=fault.message, reason=fault.reason
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if fault.retry_after is not None:
        details.append(error_details_pb2.RetryInfo(retry_delay=duration_of(fault.retry_after)))
    return details


def _number(code: StatusCode) -> int:
    return int(code_pb2.Code.Value(code.name))
