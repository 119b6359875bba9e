"""What can go wrong, in one tree, and the one place where gRPC's statuses become it.

ZorkyError
├── InvalidRequest        the picture or an option is at fault: do not send it again as it is
├── NotFound              no such result, or it has expired
├── AlreadyExists         this request_id was used before with other content
├── FailedPrecondition    new models cannot serve, or copies of deleted data stay for now
├── Unauthenticated       the token is missing or wrong
├── PermissionDenied      the token lacks the right
├── QuotaExceeded         this token has used up its quota for now
├── Unavailable           overloaded or stopping: try again later
│   └── ConnectionFailed  the server cannot be reached at all
├── DeadlineExceeded      no answer in time
└── ServerFault           the server's own fault
"""

from dataclasses import dataclass
from typing import Any, Self

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no types

from zorky.v1 import recognition_service_pb2

DOMAIN = "zorky"
DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True)
class Failure:
    """One failed call or item, before it becomes an exception. `ours` tells that Zorky's server itself said so."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    field: str = ""
    retry_after: float | None = None
    ours: bool = True


class ZorkyError(Exception):
    """Any failure that the server or the way to it reports. str() of it is meant for people.

    Attributes:
        reason: stable name for programs, for example "IMAGE_TRUNCATED"; empty when the server gave none.
    """

    reason: str = ""

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """The exception for a failure; subclasses add their own attributes."""
        error = cls(failure.message)
        error.reason = failure.reason
        return error


class InvalidRequest(ZorkyError):
    """The picture or an option is at fault: do not send it again as it is.

    Attributes:
        field: the field of the request at fault, for example "image"; empty when none is named.
    """

    field: str = ""

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Adds the field."""
        error = super().of(failure)
        error.field = failure.field
        return error


class NotFound(ZorkyError):
    """No such result, or it has expired; or no such service, when its health was asked for."""


class AlreadyExists(ZorkyError):
    """This request_id was used before with other content."""


class FailedPrecondition(ZorkyError):
    """The server is not in the state for it, and the message says why: new models that it was asked to take cannot
    serve, or copies of deleted data stay in its files because somebody still reads them."""


class Unauthenticated(ZorkyError):
    """The token is missing or wrong."""


class PermissionDenied(ZorkyError):
    """The token lacks the right to do this."""


class _Later(ZorkyError):
    """Worth trying again.

    Attributes:
        retry_after: seconds after which to try again; None when the server did not say.
    """

    retry_after: float | None = None

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Adds when to try again."""
        error = super().of(failure)
        error.retry_after = failure.retry_after
        return error


class QuotaExceeded(_Later):
    """This token has used up its quota for now."""


class Unavailable(_Later):
    """The server is overloaded or stopping, and stayed so through all tries."""


class ConnectionFailed(Unavailable):
    """The server cannot be reached: wrong address, nothing running there, or TLS does not fit."""


class DeadlineExceeded(ZorkyError):
    """No answer came in time."""


class ServerFault(ZorkyError):
    """The server's own fault, or an answer that breaks the contract.

    Attributes:
        reference: where to look in the server's log; empty when the server gave none.
    """

    reference: str = ""

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Adds the reference, which the contract makes the whole message of INTERNAL."""
        if failure.code is not grpc.StatusCode.INTERNAL or not failure.ours:
            return super().of(failure)
        error = cls(f"the server failed on this; its log tells more under {failure.message}")
        error.reason, error.reference = failure.reason, failure.message
        return error


_CLASSES: dict[grpc.StatusCode, type[ZorkyError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: QuotaExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.CANCELLED: Unavailable,  # by the server, when it stops: the caller's own never come this way
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}
# The same statuses when not Zorky's server but gRPC, a proxy or the network reports them.
_FOREIGN: dict[grpc.StatusCode, type[ZorkyError]] = {
    grpc.StatusCode.UNAVAILABLE: ConnectionFailed,
    grpc.StatusCode.RESOURCE_EXHAUSTED: InvalidRequest,  # over the receive limit of gRPC itself
}


def from_failure(failure: Failure) -> ZorkyError:
    """The exception for a failure."""
    foreign = {} if failure.ours else _FOREIGN
    return (foreign.get(failure.code) or _CLASSES.get(failure.code, ServerFault)).of(failure)


def from_call(error: Any, server: str) -> ZorkyError:
    """The exception for a failed call: a grpc.RpcError of either kind of channel, which is a call as well."""
    details = _details(error)
    info = details.get(error_details_pb2.ErrorInfo)
    violations = details.get(error_details_pb2.BadRequest, error_details_pb2.BadRequest()).field_violations
    retry = details.get(error_details_pb2.RetryInfo)
    ours = info is not None and info.domain == DOMAIN
    return from_failure(
        Failure(
            code=error.code(),
            message=error.details() if ours else _explained(error.code(), error.details() or "", server),
            reason=info.reason if info else "",
            field=violations[0].field if violations else "",
            retry_after=_seconds(retry.retry_delay) if retry else None,
            ours=ours,
        )
    )


def from_item(item: recognition_service_pb2.ItemError) -> ZorkyError:
    """The exception for one picture of a stream."""
    code = _CODES.get(item.code, grpc.StatusCode.UNKNOWN)
    retry_after = _seconds(item.retry_delay) if item.HasField("retry_delay") else None
    return from_failure(Failure(code, item.message, item.reason, item.field, retry_after))


_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _explained(code: grpc.StatusCode, details: str, server: str) -> str:
    """What to do about a failure that Zorky's server did not report itself."""
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return f"cannot reach a Zorky server at {server} ({details})"
        case grpc.StatusCode.UNIMPLEMENTED:
            return f"the server at {server} does not know this call: is it a Zorky server, and new enough? ({details})"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"no answer from {server} in time"
        case grpc.StatusCode.CANCELLED:
            return f"the server at {server} ended the call ({details})"
        case _:
            return details or f"{server} answered {code.name} and nothing else"


def _details(error: Any) -> dict[Any, Any]:
    """google.rpc details of a failed call by their type; empty when there are none or they cannot be read."""
    packed = dict(error.trailing_metadata() or ()).get(DETAILS_KEY, b"")
    kinds = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    try:
        details = status_pb2.Status.FromString(packed).details
        return {kind: kind.FromString(any_.value) for any_ in details for kind in kinds if any_.Is(kind.DESCRIPTOR)}
    except DecodeError:
        return {}


def _seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9
