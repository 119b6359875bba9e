"""FeedbackService: keeps what people say of results."""

from google.protobuf.timestamp_pb2 import Timestamp

from zorky.v1 import feedback_service_pb2_grpc
from zorky.v1.feedback_service_pb2 import FeedbackRequest, FeedbackResponse

from ..store import Store
from .calls import Context
from .requests import feedback_of


class FeedbackServicer(feedback_service_pb2_grpc.FeedbackServiceServicer):
    """Answers OK when the feedback is on disk."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def Feedback(self, request: FeedbackRequest, context: Context) -> FeedbackResponse:  # noqa: ARG002, N802 (gRPC's)
        """Keeps one piece of feedback."""
        receipt = await self._store.add_feedback(feedback_of(request))
        created = Timestamp()
        created.FromMicroseconds(receipt.created_at)
        return FeedbackResponse(feedback_id=receipt.feedback_id, create_time=created)
