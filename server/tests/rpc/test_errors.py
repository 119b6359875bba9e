"""The table from exceptions to what the caller is told: one row each, nothing in between."""

import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from zorky_server.rpc.errors import BadField, Fault, Undecodable, fault_of, item_error_of, trailers_of
from zorky_server.runtime.errors import ModelFailed, Overloaded
from zorky_server.store import NoSuchWord, OutsidePicture, RequestIdReused, StillRead, StoreUnreachable, UnknownResult
from zorky_server.tasks.handwriting.values import BadPicture

ROWS = [
    (BadPicture("IMAGE_TRUNCATED", "cut off"), StatusCode.INVALID_ARGUMENT, "IMAGE_TRUNCATED", "image"),
    (BadField("options.model", "UNKNOWN_MODEL", "none"), StatusCode.INVALID_ARGUMENT, "UNKNOWN_MODEL", "options.model"),
    (Undecodable("no message"), StatusCode.INVALID_ARGUMENT, "MESSAGE_UNDECODABLE", ""),
    (NoSuchWord(3, "none"), StatusCode.INVALID_ARGUMENT, "NO_SUCH_WORD", "word_corrections.corrections[3]"),
    (OutsidePicture(2, "outside"), StatusCode.INVALID_ARGUMENT, "OUT_OF_RANGE", "missed_lines.lines[2].quad"),
    (StillRead("by a report"), StatusCode.FAILED_PRECONDITION, "STILL_READ", ""),
    (StoreUnreachable("at 10.0.0.1"), StatusCode.UNAVAILABLE, "STORE_UNREACHABLE", ""),
    (UnknownResult("none"), StatusCode.NOT_FOUND, "RESULT_NOT_FOUND", ""),
    (RequestIdReused("twice"), StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", ""),
    (Overloaded("busy", 1.5), StatusCode.UNAVAILABLE, "OVERLOADED", ""),
    (ModelFailed("broken"), StatusCode.INTERNAL, "MODEL_FAILED", ""),
    (ZeroDivisionError("surprise"), StatusCode.INTERNAL, "INTERNAL", ""),
    (ExceptionGroup("of a task group", [Undecodable("x")]), StatusCode.INVALID_ARGUMENT, "MESSAGE_UNDECODABLE", ""),
]


def status(fault: Fault) -> status_pb2.Status:
    return status_pb2.Status.FromString(dict(trailers_of(fault))["grpc-status-details-bin"])


@pytest.mark.parametrize(("error", "code", "reason", "field"), ROWS, ids=lambda value: type(value).__name__)
def test_each_row_has_its_code_reason_and_field(error, code, reason, field):
    fault = fault_of(error)
    assert (fault.code, fault.reason, fault.field) == (code, reason, field)


@pytest.mark.parametrize(("error", "code", "reason", "field"), ROWS, ids=lambda value: type(value).__name__)
def test_status_and_item_error_say_the_same(error, code, reason, field):
    fault = fault_of(error)
    whole, item = status(fault), item_error_of(fault)
    info = error_details_pb2.ErrorInfo()
    assert whole.details[0].Unpack(info)
    assert (info.domain, info.reason) == ("zorky", reason) == ("zorky", item.reason)
    assert whole.code == item.code == code.value[0]
    assert whole.message == item.message != ""
    assert item.field == field


def test_only_what_the_caller_can_mend_names_a_violation():
    kinds = {row[1]: [detail.TypeName() for detail in status(fault_of(row[0])).details] for row in ROWS}
    info, bad, retry = "google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo"
    assert kinds == {
        StatusCode.INVALID_ARGUMENT: [info, bad],
        StatusCode.NOT_FOUND: [info],
        StatusCode.ALREADY_EXISTS: [info],
        StatusCode.FAILED_PRECONDITION: [info],
        StatusCode.UNAVAILABLE: [info, retry],
        StatusCode.INTERNAL: [info],
    }


def test_retrying_is_told_twice_for_clients_that_know_and_that_do_not():
    fault = fault_of(Overloaded("busy", 1.5))
    retry = error_details_pb2.RetryInfo()
    status(fault).details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500
    assert dict(trailers_of(fault))["grpc-retry-pushback-ms"] == "1500"
    assert item_error_of(fault).retry_delay.ToMilliseconds() == 1500


@pytest.mark.parametrize("error", [ModelFailed("recognizer: words of a person"), KeyError("words of a person")])
def test_our_faults_tell_nothing_but_a_reference_of_their_own(error):
    first, second = fault_of(error), fault_of(error)
    assert first.message != second.message
    assert "person" not in first.message
    assert first.message.startswith("internal error, reference ")
