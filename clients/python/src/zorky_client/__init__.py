"""Reads handwriting in photos, at a Zorky server.

    with Client("localhost:50051") as client:
        print(client.recognize("page.jpg").text)

The exceptions and their tree are in zorky_client.errors, the parts of a Report in zorky_client.reports.
"""

from zorky_client._aio import AsyncClient
from zorky_client._calls import FeedbackOptions, Image, RecognitionOptions
from zorky_client._channel import Tls
from zorky_client._client import Client
from zorky_client._stream import Images, Outcome
from zorky_client.errors import (
    AlreadyExists,
    ConnectionFailed,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    ServerFault,
    Unauthenticated,
    Unavailable,
    ZorkyError,
)
from zorky_client.reports import DeletedData, Report
from zorky_client.results import (
    Alternative,
    Capabilities,
    Feedback,
    Line,
    ModelIdentity,
    Page,
    Point,
    Quad,
    Recognition,
    ServerInfo,
    Span,
    Timings,
    Warning,
    Word,
)

__all__ = [
    "AlreadyExists",
    "Alternative",
    "AsyncClient",
    "Capabilities",
    "Client",
    "ConnectionFailed",
    "DeadlineExceeded",
    "DeletedData",
    "FailedPrecondition",
    "Feedback",
    "FeedbackOptions",
    "Image",
    "Images",
    "InvalidRequest",
    "Line",
    "ModelIdentity",
    "NotFound",
    "Outcome",
    "Page",
    "PermissionDenied",
    "Point",
    "Quad",
    "QuotaExceeded",
    "Recognition",
    "RecognitionOptions",
    "Report",
    "ServerFault",
    "ServerInfo",
    "Span",
    "Timings",
    "Tls",
    "Unauthenticated",
    "Unavailable",
    "Warning",
    "Word",
    "ZorkyError",
]
