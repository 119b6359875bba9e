"""ServerInfoService: what this server is and what it accepts."""

from importlib.metadata import version

from zorky.v1 import server_info_service_pb2_grpc
from zorky.v1.server_info_pb2 import RecognitionCapabilities
from zorky.v1.server_info_service_pb2 import GetServerInfoRequest, GetServerInfoResponse

from .answers import duration_of, model_of
from .calls import Context
from .recognition import Models
from .requests import MAX_ALTERNATIVES


class ServerInfoServicer(server_info_service_pb2_grpc.ServerInfoServiceServicer):
    """Says the same as long as the same model serves."""

    def __init__(self, models: Models, stream_items: int, result_lifetime: float) -> None:
        """stream_items: see RecognitionServicer. result_lifetime: seconds for which feedback is accepted."""
        self._models = models
        self._stream_items = stream_items
        self._result_lifetime = duration_of(result_lifetime)

    async def GetServerInfo(  # noqa: N802 (gRPC's)
        self,
        request: GetServerInfoRequest,  # noqa: ARG002 (gRPC's)
        context: Context,  # noqa: ARG002 (gRPC's)
    ) -> GetServerInfoResponse:
        """What this server is and what it accepts."""
        reader = self._models.current.reader
        return GetServerInfoResponse(
            server_version=version("zorky-server"),
            recognition=RecognitionCapabilities(
                models=[model_of(reader.identity)],
                languages=reader.languages,
                media_types=reader.limits.media_types,
                max_image_bytes=reader.limits.max_bytes,
                max_image_pixels=reader.limits.max_pixels,
                max_alternatives=MAX_ALTERNATIVES,
                max_stream_items_in_flight=self._stream_items,
            ),
            result_lifetime=self._result_lifetime,
        )
