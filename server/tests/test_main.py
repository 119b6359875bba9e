"""The command: what it says, how it exits, and how it ends when told to."""

import importlib.util
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import grpc
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health_pb2, health_pb2_grpc

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub
from zorky_server.__main__ import main
from zorky_server.settings import Settings
from zorky_server.tracing import ENDPOINT


def health(address: str) -> int:
    with grpc.insecure_channel(address) as channel:
        return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5).status


def test_help_names_every_setting_with_its_meaning():
    text = " ".join(CliRunner().invoke(main, ["serve", "--help"]).output.split())
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')} " in text
        assert field.description.split(".")[0].split(";")[0] in text


def test_version_is_told():
    assert CliRunner().invoke(main, ["--version"]).output == "zorky-server, version 0.1.0\n"


def test_settings_are_printed_with_where_they_came_from_applied():
    result = CliRunner().invoke(main, ["settings", "--port", "7"], env={"ZORKY_WORKERS": "3"})
    assert result.exit_code == 0
    assert "\nport = 7\n" in result.output
    assert "\nworkers = 3\n" in result.output


def test_a_bad_setting_is_one_line_and_status_2():
    result = CliRunner().invoke(main, ["serve", "--port", "many"])
    assert result.exit_code == 2
    assert result.stderr.startswith("zorky-server: --port is 'many': input should be a valid integer")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("provider", "extra"), [("cpu", "cpu"), ("cuda", "gpu"), ("tensorrt", "gpu")])
def test_without_onnxruntime_the_line_that_installs_it_is_told(monkeypatch, provider, extra):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else find_spec(name))
    result = CliRunner().invoke(main, ["serve", "--provider", provider])
    assert result.exit_code == 1
    assert result.stderr == f"zorky-server: onnxruntime is not installed: pip install 'zorky-server[{extra}]'\n"


def test_tracing_asked_for_and_not_installed_is_told_in_one_line_and_status_1(monkeypatch, tmp_path):
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4317")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    result = CliRunner().invoke(main, ["serve", "--port", "0", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert result.stderr == (
        f"zorky-server: {ENDPOINT} is set, and tracing is not installed: pip install 'zorky-server[otel]'\n"
    )


def test_without_models_it_does_not_start(start_server, tmp_path):
    server = start_server("--models-dir", str(tmp_path))
    assert server.wait() == 1
    assert server.log_path.read_text().startswith(f"zorky-server: no usable model in {tmp_path}")


def test_a_gpu_that_cannot_be_used_is_told_and_the_cpu_does_not_step_in(start_server, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # also where there is one
    server = start_server("--provider", "cuda")
    assert server.wait() == 1
    assert "\nzorky-server: provider is cuda, but " in f"\n{server.log_path.read_text()}"


def test_a_taken_port_is_told_in_one_line_and_status_1(server, start_server):
    second = start_server("--port", server.address.rpartition(":")[2])
    assert second.wait() == 1
    assert second.log_path.read_text().startswith(f"zorky-server: cannot listen on {server.address}: another program")


def test_a_taken_port_for_metrics_is_told_in_one_line_and_status_1(server, start_server):
    taken = server.address.rpartition(":")[2]
    second = start_server("--metrics-port", taken)
    assert second.wait() == 1
    (line,) = second.log_path.read_text().splitlines()
    assert line == f"zorky-server: cannot serve metrics on 127.0.0.1:{taken}: Address already in use"


def test_tls_files_that_are_none_are_told(start_server, tmp_path):
    (tmp_path / "pem").write_text("nothing")
    server = start_server("--tls-cert", str(tmp_path / "pem"), "--tls-key", str(tmp_path / "pem"))
    assert server.wait() == 1
    assert "tls_cert and tls_key are not a certificate and its key" in server.log_path.read_text()


@pytest.mark.parametrize("token", ["short", "", "line one of two\nline two", "секретное слово"])
def test_an_admin_token_that_protects_nothing_is_refused_and_not_told(start_server, tmp_path, token):
    (tmp_path / "token").write_text(token)
    server = start_server("--admin-token-file", str(tmp_path / "token"))
    assert server.wait() == 1
    (line,) = [one for one in server.log_path.read_text().splitlines() if one.startswith("zorky-server: ")]
    assert "admin_token_file" in line
    assert not token or token not in line


def test_an_admin_token_that_would_travel_in_the_clear_is_refused(start_server, tmp_path):
    (tmp_path / "token").write_text("marigold" * 4)
    server = start_server("--admin-token-file", str(tmp_path / "token"), "--host", "0.0.0.0")
    assert server.wait() == 1
    (line,) = [one for one in server.log_path.read_text().splitlines() if one.startswith("zorky-server: ")]
    assert "host 0.0.0.0 the token would travel unencrypted: set tls_cert and tls_key" in line
    assert "marigold" not in line


def test_failures_are_counted_in_the_store_before_the_server_ends(start_server):
    server = start_server().wait_until_serving()
    with grpc.insecure_channel(server.address) as channel, pytest.raises(grpc.RpcError):
        RecognitionServiceStub(channel).Recognize(RecognizeRequest(image=b"no picture"))
    assert server.stop() == 0
    with closing(sqlite3.connect(server.folder / "data" / "zorky.sqlite3")) as database:
        rows = database.execute("SELECT method, status, reason, count FROM failures").fetchall()
    assert rows == [("RecognitionService/Recognize", "INVALID_ARGUMENT", "IMAGE_UNREADABLE", 1)]


def test_it_says_where_it_serves_reads_and_stops_on_ctrl_c(start_server, line_png):
    server = start_server("--lame-duck", "30", "--host", "0.0.0.0").wait_until_serving()
    assert health(server.address) == health_pb2.HealthCheckResponse.SERVING
    with grpc.insecure_channel(server.address) as channel:
        options = messages.RecognitionOptions(layout=messages.LAYOUT_LINE)
        request = RecognizeRequest(image=line_png, options=options)
        result = RecognitionServiceStub(channel).Recognize(request).result
    assert "2026" in result.recognition.text
    assert server.stop(signal.SIGINT) == 0
    port = server.address.rpartition(":")[2]
    assert server.process.stdout.read() == f"zorky-server 0.1.0 serving on 0.0.0.0:{port}\n"
    lines = {line["event"]: line for line in server.log()}
    assert lines["pictures travel unencrypted: set tls_cert and tls_key"]["level"] == "warning"
    assert lines["stopping"]["lame_duck"] == 0
    assert lines["call"]["result_id"] == result.result_id
    assert "metrics" not in lines, "nobody asked for them"
    assert result.recognition.text not in Path(server.log_path).read_text()


def test_sigterm_makes_a_lame_duck_and_a_second_signal_ends_it_at_once(start_server):
    server = start_server("--lame-duck", "60").wait_until_serving()
    server.process.send_signal(signal.SIGTERM)
    patience = time.monotonic() + 10
    while health(server.address) == health_pb2.HealthCheckResponse.SERVING:
        assert time.monotonic() < patience
    assert server.process.poll() is None
    started = time.monotonic()
    assert server.stop(signal.SIGTERM) == 1
    assert time.monotonic() - started < 10


def test_sigterm_without_lame_duck_ends_well(start_server):
    assert start_server("--lame-duck", "0").wait_until_serving().stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("broken", ["data", "data/zorky.sqlite3"])
def test_a_data_folder_that_cannot_be_used_is_told(start_server, tmp_path, broken):
    path = tmp_path / broken
    path.parent.mkdir(exist_ok=True)
    path.write_text("not a database, and longer than its header: " * 100)
    server = start_server()
    assert server.wait() == 1
    assert server.log_path.read_text().splitlines()[-1].startswith("zorky-server: cannot keep results in ")
