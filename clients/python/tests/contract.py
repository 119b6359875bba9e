"""A gRPC server that keeps the contract and does as a test says: for behaviours that a real server shows rarely."""
# ruff: noqa: N802  the contract names the methods

from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1.health import HealthServicer

from zorky.v1 import (
    admin_service_pb2_grpc,
    feedback_service_pb2_grpc,
    geometry_pb2,
    recognition_pb2,
    recognition_service_pb2_grpc,
    result_pb2,
    server_info_pb2,
    server_info_service_pb2_grpc,
)
from zorky.v1.admin_service_pb2 import DeleteUserDataResponse, GetReportResponse, ReloadModelsResponse
from zorky.v1.feedback_service_pb2 import FeedbackResponse
from zorky.v1.recognition_service_pb2 import ItemError, RecognizeResponse, RecognizeStreamResponse
from zorky.v1.server_info_service_pb2 import GetServerInfoResponse

Action = Callable[[Any, grpc.ServicerContext], Any]


def quad(left: float, top: float, right: float, bottom: float) -> geometry_pb2.Quad:
    """An upright box."""
    return geometry_pb2.Quad(
        top_left=geometry_pb2.Point(x=left, y=top),
        top_right=geometry_pb2.Point(x=right, y=top),
        bottom_right=geometry_pb2.Point(x=right, y=bottom),
        bottom_left=geometry_pb2.Point(x=left, y=bottom),
    )


def reading(text: str, width: int = 400, height: int = 200, rotation: int = 0) -> recognition_pb2.RecognitionResult:
    """An answer with this text: lines 60 pixels apart, letters 20 pixels wide and 40 high."""
    page = recognition_pb2.Page(width=width, height=height, rotation_degrees=rotation, skew_degrees=0)
    start = 0
    for row, line_text in enumerate(text.split("\n") if text else []):
        top = 20 + 60 * row
        line = page.lines.add(text=line_text, confidence=0.5, quad=quad(10, top, 10 + 20 * len(line_text), top + 40))
        line.span.start, line.span.end = start, start + len(line_text)
        column = 0
        for word_text in line_text.split(" "):
            left = 10 + 20 * column
            word = line.words.add(text=word_text, confidence=0.75)
            word.quad.CopyFrom(quad(left, top, left + 20 * len(word_text), top + 40))
            word.span.start, word.span.end = start + column, start + column + len(word_text)
            column += len(word_text) + 1
        start += len(line_text) + 1
    result = recognition_pb2.RecognitionResult(
        result_id="0123456789abcdef0123456789abcdef",
        recognition=recognition_pb2.Recognition(text=text, page=page),
        model=result_pb2.ModelIdentity(name="handwriting", version="1", sha256="00", calibration="c"),
    )
    result.timings.total.FromMilliseconds(250)
    result.timings.largest_batch = 3
    if not text:
        result.warnings.add(code=result_pb2.WARNING_CODE_NOTHING_FOUND, message="no text was found")
    return result


def refuse(code: grpc.StatusCode, message: str, *details: Any, pushback_ms: int | None = None) -> Action:
    """An action that ends the call as the contract says, with details of google.rpc."""
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        status.details.add().Pack(detail)
    trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", status.SerializeToString())]
    if pushback_ms is not None:
        trailers.append(("grpc-retry-pushback-ms", str(pushback_ms)))

    def action(_: Any, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata(tuple(trailers))
        context.abort(code, message)

    return action


def because(reason: str) -> error_details_pb2.ErrorInfo:
    """The detail that every error of Zorky's server carries."""
    return error_details_pb2.ErrorInfo(reason=reason, domain="zorky")


def retry_in(seconds: float) -> error_details_pb2.RetryInfo:
    """The detail that says when to try again."""
    return error_details_pb2.RetryInfo(retry_delay=Duration(nanos=round(seconds * 1e9)))


def overloaded(seconds: float = 0.05) -> Action:
    """Refuses as an overloaded server does."""
    details = (because("OVERLOADED"), retry_in(seconds))
    return refuse(grpc.StatusCode.UNAVAILABLE, "busy", *details, pushback_ms=round(seconds * 1000))


@dataclass
class Servicer(
    recognition_service_pb2_grpc.RecognitionServiceServicer,
    feedback_service_pb2_grpc.FeedbackServiceServicer,
    admin_service_pb2_grpc.AdminServiceServicer,
    server_info_service_pb2_grpc.ServerInfoServiceServicer,
):
    """Answers each call by the next action of its script, and well when there is none left."""

    script: list[Action] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    health: HealthServicer = field(default_factory=HealthServicer)

    def Recognize(self, request: Any, context: Any) -> Any:
        """Reads the picture's bytes as if they were the text."""
        return self._act(request, context, lambda: RecognizeResponse(result=reading(request.image.decode())))

    def RecognizeStream(self, request_iterator: Any, context: Any) -> Any:
        """Answers one picture after the other."""
        for request in request_iterator:
            fine = RecognizeStreamResponse(result=reading(request.image.decode(errors="replace")))
            answer = self._act(request, context, lambda fine=fine: fine)
            answer.item_id = request.item_id
            yield answer

    def Feedback(self, request: Any, context: Any) -> Any:
        """Says that it was kept."""
        kept = FeedbackResponse(feedback_id="f" * 32, create_time=Timestamp(seconds=1_700_000_000))
        return self._act(request, context, lambda: kept)

    def DeleteUserData(self, request: Any, context: Any) -> Any:
        """Counts what it deleted."""
        return self._act(request, context, lambda: DeleteUserDataResponse(results=3, pictures=2, feedbacks=1))

    def GetReport(self, request: Any, context: Any) -> Any:
        """One day of one user."""
        answer = GetReportResponse()
        report = answer.report
        for activity in (report.total, report.days.add(), report.weeks.add(), report.months.add()):
            activity.start_time.seconds = 1_700_006_400
            activity.users, activity.pictures, activity.feedbacks, activity.failures = 1, 4, 2, 3
        report.start_time.seconds, report.end_time.seconds = 1_700_006_400, 1_700_092_800
        report.cohorts.add(users=1, active_users=[1, 0]).start_time.seconds = 1_699_833_600
        report.conversion.first_pictures = 1
        report.qualities.add(language="ru", model_version="1", answers=4, rated_good=1, corrected=1)
        report.latencies.add(model_version="1", answers=4).p99.FromMilliseconds(250)
        report.failures.add(method="RecognitionService/Recognize", status="UNAVAILABLE", reason="OVERLOADED", count=3)
        return self._act(request, context, lambda: answer)

    def ReloadModels(self, request: Any, context: Any) -> Any:
        """Says which model serves."""
        answer = ReloadModelsResponse(changed=True)
        answer.model.name, answer.model.version = "handwriting", "2"
        return self._act(request, context, lambda: answer)

    def GetServerInfo(self, request: Any, context: Any) -> Any:
        """Describes itself."""
        capabilities = server_info_pb2.RecognitionCapabilities(languages=["ru", "en"], max_image_bytes=20_000_000)
        capabilities.models.add(name="handwriting", version="1", sha256="00", calibration="c")
        info = GetServerInfoResponse(server_version="0.1.0", recognition=capabilities)
        info.result_lifetime.seconds = 3600
        return self._act(request, context, lambda: info)

    def _act(self, request: Any, context: Any, well: Callable[[], Any]) -> Any:
        self.requests.append(request)
        self.metadata.append({item.key: item.value for item in context.invocation_metadata()})
        return self.script.pop(0)(request, context) if self.script else well()


def item_error(code: grpc.StatusCode, reason: str, retry_in_seconds: float | None = None) -> Action:
    """An action of a stream: this item fails, the stream goes on."""
    error = ItemError(code=code.value[0], reason=reason, message=f"about {reason}", field="image")
    if retry_in_seconds is not None:
        error.retry_delay.FromMilliseconds(round(1000 * retry_in_seconds))
    return lambda *_: RecognizeStreamResponse(error=error)


@contextmanager
def served(servicer: Servicer, credentials: grpc.ServerCredentials | None = None, **options: int) -> Iterator[str]:
    """Serves on a free port of this machine; yields "localhost:port"."""
    settings = [("grpc.so_reuseport", 0), *((f"grpc.{name}", value) for name, value in options.items())]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=settings)
    recognition_service_pb2_grpc.add_RecognitionServiceServicer_to_server(servicer, server)
    feedback_service_pb2_grpc.add_FeedbackServiceServicer_to_server(servicer, server)
    admin_service_pb2_grpc.add_AdminServiceServicer_to_server(servicer, server)
    server_info_service_pb2_grpc.add_ServerInfoServiceServicer_to_server(servicer, server)
    health_pb2_grpc.add_HealthServicer_to_server(servicer.health, server)
    if credentials:
        port = server.add_secure_port("localhost:0", credentials)
    else:
        port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(None).wait()
