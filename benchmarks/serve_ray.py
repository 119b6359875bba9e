"""Ray Serve's gRPC ingress around the same reader and sessions: two replicas.

    python benchmarks/serve_ray.py PORT BATCH

BATCH: pages that a replica takes at once; more than one are read in step.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import ray
from pipeline import Pipeline
from ray import serve
from ray.serve.config import HTTPOptions, ProxyLocation, gRPCOptions

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeResponse


class OneByOne:
    """A replica."""

    def __init__(self) -> None:
        self._pipeline = Pipeline(cores=1)

    def Recognize(self, request: RecognizeRequest) -> RecognizeResponse:  # noqa: N802 (gRPC's)
        """Reads one page."""
        return self._pipeline.read(request)


class InBatches:
    """A replica that gathers pages."""

    def __init__(self, batch: int) -> None:
        self._pipeline = Pipeline(cores=1)
        self._together.set_max_batch_size(batch)

    async def Recognize(self, request: RecognizeRequest) -> RecognizeResponse:  # noqa: N802 (gRPC's)
        """Reads one page with those that came meanwhile."""
        response: RecognizeResponse = await self._together(request)
        return response

    @serve.batch(batch_wait_timeout_s=0.01)
    async def _together(self, requests: list[RecognizeRequest]) -> list[RecognizeResponse]:
        return self._pipeline.read_together(requests)


def main(port: int, batch: int) -> None:
    """Serves until SIGTERM."""
    here = str(Path(__file__).parent)
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=200 * 2**20,
        logging_level="warning",
        runtime_env={"env_vars": {"PYTHONPATH": here}},
    )
    servicer = "zorky.v1.recognition_service_pb2_grpc.add_RecognitionServiceServicer_to_server"
    serve.start(
        proxy_location=ProxyLocation.HeadOnly,
        http_options=HTTPOptions(host="127.0.0.1", port=port + 1),
        grpc_options=gRPCOptions(port=port, grpc_servicer_functions=[servicer], request_timeout_s=600),
    )
    options = {"num_replicas": 2, "ray_actor_options": {"num_cpus": 0.9}, "max_ongoing_requests": 2 * batch}
    if batch > 1:
        serve.run(serve.deployment(InBatches).options(**options).bind(batch))
    else:
        serve.run(serve.deployment(OneByOne).options(**options).bind())
    signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that Ray ends its processes
    main(*map(int, sys.argv[1:3]))
