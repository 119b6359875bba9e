"""AdminService: for those who run the service. Every method asks for the admin token first."""

from __future__ import annotations

import hmac
import time
from typing import Protocol

from zorky.v1 import admin_service_pb2_grpc
from zorky.v1.admin_service_pb2 import (
    DeleteUserDataRequest,
    DeleteUserDataResponse,
    GetReportRequest,
    GetReportResponse,
    ReloadModelsRequest,
    ReloadModelsResponse,
)

from ..report.queries import make_report
from ..report.span import DAY, USUAL
from ..store import Store
from .answers import model_of
from .calls import Context, metadata_of
from .errors import NoAdmin, NoToken
from .recognition import Models
from .reports import report_of
from .requests import checked_name, required

_SCHEME = "Bearer "


class ReloadingModels(Models, Protocol):
    """Models that can be replaced."""

    async def reload(self) -> bool:
        """Whether another model serves now. Raises BadModel where the new one cannot."""
        ...


class AdminServicer(admin_service_pb2_grpc.AdminServiceServicer):
    """Does what the command line does, through the same code."""

    def __init__(self, store: Store, models: ReloadingModels, token: str) -> None:
        """token: what callers have to show; empty: nobody may call."""
        self._store = store
        self._models = models
        self._token = token.encode()

    async def DeleteUserData(self, request: DeleteUserDataRequest, context: Context) -> DeleteUserDataResponse:  # noqa: N802 (gRPC's)
        """Deletes all that is known of one person."""
        self._admit(context)
        deleted = await self._store.delete_user(required(checked_name(request.user_key, "user_key"), "user_key"))
        return DeleteUserDataResponse(results=deleted.results, pictures=deleted.pictures, feedbacks=deleted.feedbacks)

    async def GetReport(self, request: GetReportRequest, context: Context) -> GetReportResponse:  # noqa: N802 (gRPC's)
        """What people did with the service, in figures."""
        self._admit(context)
        start, end = _span(request)
        async with self._store.snapshot() as connection:
            return GetReportResponse(report=report_of(await make_report(connection, start, end)))

    async def ReloadModels(self, request: ReloadModelsRequest, context: Context) -> ReloadModelsResponse:  # noqa: ARG002, N802 (gRPC's)
        """Looks for new models now."""
        self._admit(context)
        changed = await self._models.reload()
        return ReloadModelsResponse(model=model_of(self._models.current.reader.identity), changed=changed)

    def _admit(self, context: Context) -> None:
        """Raises NoAdmin or NoToken. Compares in the same time whatever the caller shows."""
        if not self._token:
            raise NoAdmin("this server has no admin token: set admin_token_file")
        shown = metadata_of(context).get("authorization", "")
        if not hmac.compare_digest(shown.encode(), _SCHEME.encode() + self._token):
            raise NoToken("show the admin token: authorization: Bearer TOKEN")


def _span(request: GetReportRequest) -> tuple[int, int]:
    """What is asked for, in microseconds since 1970."""
    now = time.time_ns() // 1000
    end = request.end_time.ToMicroseconds() if request.HasField("end_time") else -(-now // DAY) * DAY
    start = request.start_time.ToMicroseconds() if request.HasField("start_time") else end - USUAL
    return start, end
