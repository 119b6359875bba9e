"""A real server follows a registry: from promotion to rollback without a restart and without a failed call."""

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub
from zorky_server.registry import Registry

PATIENCE = 120.0
"""Seconds."""


class Callers:
    """Call all the time, and never twice for one answer."""

    def __init__(self, address: str, image: bytes) -> None:
        self.versions: list[str] = []
        self.failures: list[str] = []
        self._ended = threading.Event()
        self._address = address
        self._request = RecognizeRequest(image=image, options=messages.RecognitionOptions(layout=messages.LAYOUT_LINE))
        self._threads = [threading.Thread(target=self._call) for _ in range(3)]

    def _call(self) -> None:
        with grpc.insecure_channel(self._address) as channel:
            service = RecognitionServiceStub(channel)
            while not self._ended.is_set():
                try:
                    self.versions.append(service.Recognize(self._request, timeout=60).result.model.version)
                except grpc.RpcError as error:
                    self.failures.append(str(error))

    @contextmanager
    def calling(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()

    def until_answered_by(self, version: str) -> None:
        """Returns when the newest answers are of this version alone."""
        wait_until(lambda: self.versions[-10:] == [version] * 10)


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def refusals(server: Any) -> list[str]:
    return [line["reason"] for line in server.log() if "refused" in line["event"]]


def test_promotions_and_rollbacks_reach_a_server_under_load_and_no_call_fails(start_server, publisher, line_png):
    flags = ("--registry", publisher.url, "--registry-poll", "0.2", "--log-format", "json")
    server = start_server(*flags).wait_until_serving()
    callers = Callers(server.address, line_png)
    with callers.calling():
        for version in ("2099.1", "2099.2"):
            publisher.promote(version)
            callers.until_answered_by(version)
        for version in ("2099.3", "2099.4"):
            publisher.publish(version)
        shutil.rmtree(publisher.place / "handwriting" / "2099.4")  # an upload that was killed before its promotion
        publisher.registry.promote("2099.3")
        callers.until_answered_by("2099.3")
        command = ["models", "rollback", "--registry", publisher.url, "--data-dir", str(server.folder / "data")]
        rollback = subprocess.run([sys.executable, "-m", "zorky_server", *command], capture_output=True, text=True)
        assert rollback.stdout.splitlines() == [
            "current: 2099.2, in the place of 2099.3",
            "Servers that follow the registry take it within 30 s.",
        ], "and it is on record, beside the server that writes there"
        callers.until_answered_by("2099.2")
    assert callers.failures == []
    assert refusals(server) == []
    assert server.stop() == 0


def test_a_damaged_upload_is_refused_and_the_one_before_goes_on(start_server, publisher, line_png):
    publisher.promote("2099.1")
    publisher.promote("2099.2")
    publisher.registry.rollback()
    server = start_server("--registry", publisher.url, "--registry-poll", "0.2").wait_until_serving()
    callers = Callers(server.address, line_png)
    with callers.calling():
        callers.until_answered_by("2099.1")
        publisher.registry.promote("2099.2")
        publisher.damage("2099.2")
        wait_until(lambda: bool(refusals(server)))
        seen = len(callers.versions)
        wait_until(lambda: len(callers.versions) > seen + 20)
    assert callers.failures == []
    assert set(callers.versions[seen:]) == {"2099.1"}
    assert len(refusals(server)) == 1


def test_a_registry_in_a_bucket_is_followed_and_may_go_away(start_server, publisher, s3_bucket, line_png):
    registry = Registry(f"{s3_bucket}/models", "handwriting")
    publisher.publish("2099.1")
    registry.publish(Path(publisher.place, "handwriting", "2099.1"))
    flags = ("--registry", f"{s3_bucket}/models", "--registry-poll", "0.2")
    server = start_server(*flags).wait_until_serving()
    callers = Callers(server.address, line_png)
    with callers.calling():
        registry.promote("2099.1")
        callers.until_answered_by("2099.1")
    assert callers.failures == []
    assert server.stop() == 0
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        again = start_server(*flags).wait_until_serving()
    (warning,) = [line for line in again.log() if line["event"].startswith("the registry cannot be used")]
    assert "Could not connect" in warning["reason"]
    with grpc.insecure_channel(again.address) as channel:
        service = RecognitionServiceStub(channel)
        assert service.Recognize(RecognizeRequest(image=line_png)).result.model.version == "2099.1"
