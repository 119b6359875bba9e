"""zorky-server, but it never forgets a picture asked about: soak.py's control, which must be found out."""

import os

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeResponse
from zorky_server.__main__ import main
from zorky_server.rpc import server
from zorky_server.rpc.calls import Context
from zorky_server.rpc.recognition import RecognitionServicer

BYTES = int(os.environ.get("LEAK", "4096"))
"""What it keeps of each request."""

_kept: list[bytearray] = []


class LeakingServicer(RecognitionServicer):
    """Answers like the servicer that it stands for."""

    async def Recognize(self, request: RecognizeRequest, context: Context) -> RecognizeResponse:  # noqa: N802 (gRPC's)
        """Keeps something of its own size for good, then does its work."""
        _kept.append(bytearray(b"x" * BYTES))
        return await super().Recognize(request, context)


if __name__ == "__main__":
    server.RecognitionServicer = LeakingServicer  # type: ignore[attr-defined]  # what RpcServer makes when it starts
    main()
