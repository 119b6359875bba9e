"""The gRPC server: its services, what it tells of its health, and how it ends."""

from __future__ import annotations

import asyncio

import grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_reflection.v1alpha import reflection

from zorky.v1 import (
    admin_service_pb2,
    admin_service_pb2_grpc,
    feedback_service_pb2,
    feedback_service_pb2_grpc,
    recognition_service_pb2,
    recognition_service_pb2_grpc,
    server_info_service_pb2,
    server_info_service_pb2_grpc,
)

from ..runtime.engine import Engine
from ..store import Store
from .admin import AdminServicer, ReloadingModels
from .calls import Calls
from .feedback import FeedbackServicer
from .journal import Journal
from .recognition import Readings, RecognitionServicer
from .server_info import ServerInfoServicer

_FILES = (recognition_service_pb2, feedback_service_pb2, server_info_service_pb2, admin_service_pb2)
SERVICES = tuple(service.full_name for file in _FILES for service in file.DESCRIPTOR.services_by_name.values())
"""Full names of our services."""


class CannotListen(OSError):
    """Raised when the address cannot be had; the message says what to do."""


class RpcServer:
    """Serves what the models can. Make it on the event loop; `listen`, `start`, `announce`, and `stop` at the end."""

    def __init__(
        self,
        models: ReloadingModels,
        engine: Engine,
        store: Store,
        journal: Journal,
        *,
        stream_items: int,
        result_lifetime: float,
        readings: Readings | None = None,
        admin_token: str = "",
    ) -> None:
        """See RecognitionServicer, ServerInfoServicer and AdminServicer."""
        self._calls = Calls(journal)
        self._health = health.aio.HealthServicer()
        options = _options(models.current.reader.limits.max_bytes)
        self._server = grpc.aio.server(interceptors=[self._calls], options=options)
        recognition_service_pb2_grpc.add_RecognitionServiceServicer_to_server(
            RecognitionServicer(models, engine, store, journal, stream_items=stream_items, readings=readings),
            self._server,
        )
        feedback_service_pb2_grpc.add_FeedbackServiceServicer_to_server(FeedbackServicer(store), self._server)
        server_info_service_pb2_grpc.add_ServerInfoServiceServicer_to_server(
            ServerInfoServicer(models, stream_items, result_lifetime), self._server
        )
        admin_service_pb2_grpc.add_AdminServiceServicer_to_server(
            AdminServicer(store, models, admin_token), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    def listen(self, host: str, port: int, credentials: grpc.ServerCredentials | None = None) -> int:
        """Takes the port, or a free one for 0, and returns which. Raises CannotListen."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if credentials is None:
                return self._server.add_insecure_port(address)
            return self._server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise CannotListen(
                f"cannot listen on {address}: another program has this port, or this machine does not have this address"
            ) from error

    async def start(self) -> None:
        """Serves, and says NOT_SERVING to those who ask for its health."""
        await self._tell(HealthCheckResponse.NOT_SERVING)
        await self._server.start()

    async def announce(self) -> None:
        """Says SERVING from now on."""
        await self._tell(HealthCheckResponse.SERVING)

    async def stop(self, lame_duck: float, grace: float) -> None:
        """Says NOT_SERVING, serves on for `lame_duck` seconds so that balancers notice, then takes no new calls and
        gives those inside `grace` seconds to finish."""
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(lame_duck)
        stopping = asyncio.create_task(self._server.stop(grace))
        finished = asyncio.create_task(self._calls.finished())
        await asyncio.wait([stopping, finished], return_when=asyncio.FIRST_COMPLETED)
        await self.abort()  # what is left are calls out of grace, and watchers of health, who would stay for ever
        finished.cancel()
        await stopping

    async def abort(self) -> None:
        """Ends every call at once."""
        await self._server.stop(None)

    async def _tell(self, status: int) -> None:
        for service in ("", *SERVICES):
            await self._health.set(service, status)


def _options(max_image_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # a second server on the same port must fail, not share it
        ("grpc.max_receive_message_length", 2 * max_image_bytes),  # a picture over our limit gets our answer
        ("grpc.max_concurrent_streams", 1000),
        # Admission refuses, and says when to come again; gRPC beyond its own limits says CANCELLED, and nobody retries.
        ("grpc.server.max_pending_requests", 100_000),
        ("grpc.server.max_pending_requests_hard_limit", 100_000),
        ("grpc.keepalive_time_ms", 60_000),  # finds out about callers who vanished
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),  # callers may ask as often whether we did
        ("grpc.keepalive_permit_without_calls", 1),
    ]
