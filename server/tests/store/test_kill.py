"""What was acknowledged survives `kill -9`, and is there once."""

import signal
import sqlite3
import threading

import grpc

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub

ENOUGH = 150


def send(address: str, result_id: str, sender: int, acknowledged: dict[str, str], enough: threading.Event) -> None:
    """Sends feedback until the server is gone."""
    with grpc.insecure_channel(address) as channel:
        stub = FeedbackServiceStub(channel)
        for number in range(100_000):
            request = FeedbackRequest(request_id=f"{sender}-{number}", result_id=result_id, rating=1)
            try:
                acknowledged[request.request_id] = stub.Feedback(request, timeout=10).feedback_id
            except grpc.RpcError:
                return
            if len(acknowledged) >= ENOUGH:
                enough.set()


def test_feedback_acknowledged_before_kill_9_is_there_after_it_and_once(start_server, line_png):
    server = start_server().wait_until_serving()
    with grpc.insecure_channel(server.address) as channel:
        request = RecognizeRequest(image=line_png, options=messages.RecognitionOptions(layout=messages.LAYOUT_LINE))
        result_id = RecognitionServiceStub(channel).Recognize(request).result.result_id
    acknowledged: dict[str, str] = {}
    enough = threading.Event()
    senders = [
        threading.Thread(target=send, args=(server.address, result_id, sender, acknowledged, enough))
        for sender in range(4)
    ]
    for sender in senders:
        sender.start()
    assert enough.wait(60)
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    for sender in senders:
        sender.join()

    again = start_server().wait_until_serving()
    with grpc.insecure_channel(again.address) as channel:
        stub = FeedbackServiceStub(channel)
        for request_id, feedback_id in acknowledged.items():
            repeated = stub.Feedback(FeedbackRequest(request_id=request_id, result_id=result_id, rating=1))
            assert repeated.feedback_id == feedback_id
    with sqlite3.connect(again.folder / "data" / "zorky.sqlite3") as connection:
        kept = dict(connection.execute("SELECT request_id, feedback_id FROM feedback"))
        (count,) = connection.execute("SELECT count(*) FROM feedback").fetchone()
    assert acknowledged.items() <= kept.items()
    assert count == len(kept) <= len(acknowledged) + len(senders), "one call of each sender may have been in flight"
