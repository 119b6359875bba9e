"""Every status of the contract becomes its exception, in one place."""

import pickle

import grpc
import pytest
from google.rpc import error_details_pb2

import zorky_client
from zorky.v1.recognition_service_pb2 import ItemError
from zorky_client import errors

from .contract import because, refuse, retry_in

BAD_FIELD = error_details_pb2.BadRequest(field_violations=[{"field": "options.layout", "description": "unknown"}])
OURS = [
    (grpc.StatusCode.INVALID_ARGUMENT, errors.InvalidRequest),
    (grpc.StatusCode.NOT_FOUND, errors.NotFound),
    (grpc.StatusCode.ALREADY_EXISTS, errors.AlreadyExists),
    (grpc.StatusCode.UNAUTHENTICATED, errors.Unauthenticated),
    (grpc.StatusCode.PERMISSION_DENIED, errors.PermissionDenied),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.QuotaExceeded),
    (grpc.StatusCode.CANCELLED, errors.Unavailable),
    (grpc.StatusCode.INTERNAL, errors.ServerFault),
    (grpc.StatusCode.DATA_LOSS, errors.ServerFault),
]
FOREIGN = [
    (grpc.StatusCode.UNKNOWN, errors.ServerFault, "went wrong"),
    (grpc.StatusCode.UNIMPLEMENTED, errors.ServerFault, "is it a Zorky server"),
    (grpc.StatusCode.CANCELLED, errors.Unavailable, "ended the call"),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.InvalidRequest, "went wrong"),
]


@pytest.mark.parametrize(("code", "kind"), OURS, ids=lambda value: getattr(value, "name", ""))
async def test_a_status_of_the_server_becomes_its_exception(client, servicer, code, kind):
    servicer.script = [refuse(code, "went wrong", because("SOME_REASON"), BAD_FIELD, retry_in(0.5))]
    with pytest.raises(errors.ZorkyError, match="went wrong") as caught:
        await client.recognize(b"x")
    assert type(caught.value) is kind
    assert caught.value.reason == "SOME_REASON"
    assert getattr(caught.value, "field", "options.layout") == "options.layout"
    assert getattr(caught.value, "retry_after", 0.5) == 0.5


@pytest.mark.parametrize(("code", "kind", "says"), FOREIGN, ids=lambda value: getattr(value, "name", ""))
async def test_a_status_from_elsewhere_says_what_it_may_be(client, servicer, code, kind, says):
    servicer.script = [refuse(code, "went wrong")]
    with pytest.raises(errors.ZorkyError, match=says) as caught:
        await client.recognize(b"x")
    assert type(caught.value) is kind


@pytest.mark.parametrize(("code", "kind"), OURS, ids=lambda value: getattr(value, "name", ""))
def test_an_item_of_a_stream_fails_like_a_call(code, kind):
    item = ItemError(code=code.value[0], reason="R", message="went wrong", field="image")
    error = errors.from_item(item)
    assert type(error) is kind
    assert error.reason == "R"
    assert getattr(error, "retry_after", None) is None


def test_a_code_of_a_newer_contract_is_still_an_error():
    assert type(errors.from_item(ItemError(code=99, message="?"))) is errors.ServerFault


def test_errors_survive_the_way_to_another_process():
    item = ItemError(code=3, reason="IMAGE_TRUNCATED", message="cut", field="image")
    error = pickle.loads(pickle.dumps(errors.from_item(item)))
    assert (str(error), error.reason, error.field) == ("cut", "IMAGE_TRUNCATED", "image")


def test_the_docstring_draws_the_tree_as_it_is():
    def drawn(kind: type, depth: int = 0) -> list[str]:
        below = [name for child in kind.__subclasses__() for name in drawn(child, depth + 1)]
        return below if kind.__name__.startswith("_") else [kind.__name__, *below]

    lines = [line.lstrip("│├└─ ").split()[0] for line in errors.__doc__.splitlines() if line[:1] in "│├└Z" and line]
    assert sorted(lines) == sorted(drawn(errors.ZorkyError))
    assert set(lines) <= set(zorky_client.__all__)
