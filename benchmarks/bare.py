"""The limit: two threads that give ONNX Runtime the tensors of drawn 1280x960 pages, and do nothing else.

    python benchmarks/bare.py SECONDS

The tensors are those that the reader asked its models about. Prints JSON: pages a second and processor seconds a page,
call by call, and with the calls of all pages that may share a batch in batches of the server's default size.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from drawn import pages
from pipeline import Pipeline, Tensor

from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky_server.runtime.sessions import Session
from zorky_server.settings import Settings

THREADS = 2
Run = tuple[Session, Tensor]


@dataclass(frozen=True)
class Recorder:
    """A session that keeps what it was given."""

    session: Session
    runs: list[Run]
    device: str | None = None

    def run(self, batch: Tensor, alone: bool = False) -> Tensor:
        self.runs.append((self.session, batch))
        return self.session.run(batch, alone)


def recorded(requests: Sequence[bytes]) -> list[Run]:
    """The runs that reading these pages takes."""
    pipeline, runs = Pipeline(cores=1), list[Run]()
    pipeline.sessions = {name: Recorder(session, runs) for name, session in pipeline.sessions.items()}
    for request in requests:
        pipeline.read(RecognizeRequest.FromString(request))
    return runs


def in_batches(runs: Sequence[Run], budget: int) -> Iterator[Run]:
    """Runs of one model and shape put together. budget: pixels of a batch."""
    alike: Mapping[tuple[int, tuple[int, ...]], list[Run]] = defaultdict(list)
    for run in runs:
        alike[id(run[0]), run[1].shape].append(run)
    for (_, (_, _, height, width)), members in alike.items():
        size = max(1, budget // (height * width))
        for i in range(0, len(members), size):
            yield members[i][0], np.concatenate([tensor for _, tensor in members[i : i + size]])


def measured(runs: Sequence[Run], count: int, seconds: float) -> tuple[float, float]:
    """Pages a second, and processor seconds a page. count: pages of these runs."""
    end, ended = perf_counter() + seconds, list[float]()

    def work() -> None:
        while perf_counter() < end:
            for session, tensor in runs:
                session.run(tensor)
            ended.append(perf_counter())

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    started, cpu = perf_counter(), process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = count * len(ended)
    return done / (max(ended) - started), (process_time() - cpu) / done


def main(seconds: float) -> None:
    """Measures both ways."""
    requests = pages(1280)
    runs = recorded(requests)
    batches = list(in_batches(runs, int(Settings.model_fields["batch_pixels"].default)))
    found = {
        "bare sessions, call by call": measured(runs, len(requests), seconds),
        "bare sessions, in batches": measured(batches, len(requests), seconds),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(float(sys.argv[1]))
