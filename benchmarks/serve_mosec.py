"""mosec around the same reader and sessions: two worker processes. It speaks HTTP, so requests and responses of our
contract are the bodies.

    python benchmarks/serve_mosec.py --port PORT --timeout 600000

BATCH in the environment: pages that a worker takes at once; more than one are read in step.
"""

from __future__ import annotations

import os

from mosec import Server, Worker
from pipeline import Pipeline

from zorky.v1.recognition_service_pb2 import RecognizeRequest


class Handwriting(Worker):  # type: ignore[misc]  # mosec has no types
    """Each process has one, and one core."""

    def __init__(self) -> None:
        super().__init__()
        self._pipeline = Pipeline(cores=1)

    def deserialize(self, data: bytes) -> RecognizeRequest:
        return RecognizeRequest.FromString(data)

    def serialize(self, data: bytes) -> bytes:
        return data

    def forward(self, data: RecognizeRequest | list[RecognizeRequest]) -> bytes | list[bytes]:
        """A list where batches were asked for, one page otherwise."""
        if isinstance(data, list):
            return [response.SerializeToString() for response in self._pipeline.read_together(data)]
        return self._pipeline.read(data).SerializeToString()


if __name__ == "__main__":
    server = Server()
    server.append_worker(Handwriting, num=2, max_batch_size=int(os.environ["BATCH"]), max_wait_time=10)
    server.run()
