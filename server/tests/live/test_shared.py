"""Two servers on one PostgreSQL, one bucket and one secret are one service."""

import fsspec
import grpc
import pytest
from replica import Replica

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub

pytestmark = pytest.mark.postgres


@pytest.fixture
def shared(tmp_path, postgres_server, s3_bucket):
    """Flags of servers that share everything."""
    database = postgres_server.create()
    return "--database", database, "--pictures", f"{s3_bucket}/kept", "--secret-file", str(tmp_path / "secret")


def test_a_result_of_one_server_is_known_to_the_other(tmp_path, shared, s3_bucket, line_png):
    files = fsspec.filesystem("s3", use_listings_cache=False)
    options = messages.RecognitionOptions(layout=messages.LAYOUT_LINE, retention=messages.RETENTION_FEEDBACK)
    with Replica(tmp_path / "one", *shared) as one, Replica(tmp_path / "other", *shared) as other:
        with grpc.insecure_channel(one.address) as channel:
            request = RecognizeRequest(image=line_png, options=options)
            result_id = RecognitionServiceStub(channel).Recognize(request).result.result_id
        assert files.cat(f"{s3_bucket}/kept/{result_id}") == line_png
        said = FeedbackRequest(request_id="r", result_id=result_id, rating=1)
        receipts = []
        for server in (other, one):
            with grpc.insecure_channel(server.address) as channel:
                receipts.append(FeedbackServiceStub(channel).Feedback(said))
        assert receipts[0] == receipts[1]
        assert not files.exists(f"{s3_bucket}/kept/{result_id}")


def test_a_server_with_a_secret_of_its_own_does_not_start(tmp_path, shared):
    with Replica(tmp_path / "one", *shared):
        (tmp_path / "another").write_bytes(bytes(32))
        stranger = Replica(tmp_path / "stranger", *shared[:-1], str(tmp_path / "another"))
        with pytest.raises(RuntimeError, match="not the one that the store was made with"):
            stranger.start()
