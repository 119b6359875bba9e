"""GetServerInfo tells what the server enforces."""

from importlib.metadata import version

from zorky.v1.server_info_service_pb2 import GetServerInfoRequest


async def test_the_limits_told_are_those_of_the_task(served):
    info = await served.info.GetServerInfo(GetServerInfoRequest())
    recognition, limits = info.recognition, served.reader.limits
    assert info.server_version == version("zorky-server")
    assert info.result_lifetime.seconds == 3600
    assert [(model.name, model.version, model.calibration) for model in recognition.models] == [("test", "1.0", "c1")]
    assert list(recognition.languages) == ["ru", "en"]
    assert list(recognition.media_types) == list(limits.media_types)
    assert recognition.max_image_bytes == limits.max_bytes
    assert recognition.max_image_pixels == limits.max_pixels
    assert recognition.max_alternatives == 10
    assert recognition.max_stream_items_in_flight == 3
