"""A gRPC server without our runtime: a pool of threads, each of which takes a page from its first step to its last.

python benchmarks/serve_unbatched.py PORT THREADS CORES
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pipeline import Pipeline

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeResponse
from zorky.v1.recognition_service_pb2_grpc import (
    RecognitionServiceServicer,
    add_RecognitionServiceServicer_to_server,
)


class Handler(RecognitionServiceServicer):
    """The same contract."""

    def __init__(self, pipeline: Pipeline, threads: int) -> None:
        self._pipeline = pipeline
        self._threads = ThreadPoolExecutor(threads)

    async def Recognize(self, request: RecognizeRequest, context: object) -> RecognizeResponse:  # noqa: ARG002, N802
        """Reads one page. (The names are gRPC's.)"""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._pipeline.read, request)


async def main(port: int, threads: int, cores: int) -> None:
    """threads: pages at once. cores: of each of their model runs."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    add_RecognitionServiceServicer_to_server(Handler(Pipeline(cores), threads), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:4])))
