"""Metrics: what is counted, that nothing is lost between threads, and the page on which Prometheus reads it."""

import socket
import threading
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from zorky_server.metrics import CannotExpose, Metrics
from zorky_server.tasks.handwriting.model import ModelIdentity


@pytest.fixture
def metrics():
    with closing(Metrics()) as one:
        yield one


@pytest.fixture
def port(metrics):
    return metrics.serve("127.0.0.1", 0)


@pytest.fixture
def scrape(port):
    """Reads the page: values by name and labels, `name{label=value}`."""
    return lambda: samples(get(port))


def get(port: int, path: str = "/metrics") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read().decode()


def samples(page: str) -> dict[str, float]:
    return {
        f"{sample.name}{{{','.join(f'{name}={value}' for name, value in sorted(sample.labels.items()))}}}": sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_every_event_is_told(metrics, scrape):
    metrics.called("S/M", "OK", 0.3)
    metrics.called("S/M", "UNAVAILABLE", 0.002)
    metrics.staged({"queue": 0.5, "decode": 0.25})
    metrics.ran("detector", 3, 0.5, 0.75, 1000, 200)
    metrics.ran("detector", 1, 0.5, 0.5, 100, 0)
    metrics.waited("bulk", 2.0)
    metrics.shed("late")
    metrics.cancelled()
    metrics.expired()
    metrics.reloaded("refused")
    metrics.looked_up(True)
    told = scrape()
    expected = {
        "zorky_requests_total{method=S/M,status=OK}": 1,
        "zorky_requests_total{method=S/M,status=UNAVAILABLE}": 1,
        "zorky_request_seconds_count{method=S/M,status=OK}": 1,
        "zorky_request_seconds_bucket{le=0.25,method=S/M,status=OK}": 0,
        "zorky_request_seconds_bucket{le=0.4,method=S/M,status=OK}": 1,
        "zorky_request_seconds_sum{method=S/M,status=UNAVAILABLE}": 0.002,
        "zorky_stage_seconds_sum{stage=queue}": 0.5,
        "zorky_stage_seconds_sum{stage=decode}": 0.25,
        "zorky_batch_items_sum{model=detector}": 4,
        "zorky_batch_items_count{model=detector}": 2,
        "zorky_model_seconds_sum{model=detector}": 1,
        "zorky_model_cpu_seconds_total{model=detector}": 1.25,
        "zorky_pixels_total{model=detector}": 1100,
        "zorky_padding_pixels_total{model=detector}": 200,
        "zorky_wait_seconds_sum{lane=bulk}": 2,
        "zorky_shed_total{reason=late}": 1,
        "zorky_cancelled_total{}": 1,
        "zorky_expired_total{}": 1,
        "zorky_reloads_total{outcome=refused}": 1,
        "zorky_cache_lookups_total{outcome=hit}": 1,
    }
    assert {name: told[name] for name in expected} == expected


def test_what_can_be_known_beforehand_begins_at_zero(scrape):
    told = scrape()
    for name in (
        "zorky_shed_total{reason=full}",
        "zorky_shed_total{reason=late}",
        "zorky_reloads_total{outcome=switched}",
        "zorky_cache_lookups_total{outcome=hit}",
        "zorky_cancelled_total{}",
        "zorky_wait_seconds_count{lane=interactive}",
    ):
        assert told[name] == 0


def test_nothing_is_lost_between_threads(metrics, scrape):
    def count() -> None:
        for _ in range(500):
            metrics.ran("recognizer", 2, 0.1, 0.1, 3, 1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert scrape()["zorky_pixels_total{model=recognizer}"] == 8 * 500 * 3


def test_gauges_are_asked_at_every_scrape(metrics, scrape):
    inside, pending = [1], {"interactive": 4, "bulk": 0}
    metrics.watch(lambda: inside[0], lambda: pending)
    before = scrape()
    inside[0], pending["interactive"] = 7, 2
    after = scrape()
    assert (before["zorky_inside{}"], after["zorky_inside{}"]) == (1, 7)
    assert (before["zorky_pending{lane=interactive}"], after["zorky_pending{lane=interactive}"]) == (4, 2)
    assert after["zorky_pending{lane=bulk}"] == 0


def test_another_model_takes_the_place_of_the_one_before(metrics, scrape):
    metrics.model(ModelIdentity("handwriting", "1", "aa", "c1"))
    metrics.model(ModelIdentity("handwriting", "2", "bb", "c2"))
    told = {name: value for name, value in scrape().items() if name.startswith("zorky_model_info")}
    assert told == {"zorky_model_info{calibration=c2,name=handwriting,sha256=bb,version=2}": 1}


def test_memory_and_processor_time_are_the_process_own(scrape):
    told = scrape()
    assert told["process_resident_memory_bytes{}"] > 2**20
    assert told["process_cpu_seconds_total{}"] > 0


@pytest.mark.parametrize("path", ["/", "/metricsx", "/metrics/x"])
def test_there_is_one_page(port, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(port, path)
    assert caught.value.code == 404


def test_nothing_can_be_sent(port):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", data=b"x", timeout=10)
    assert caught.value.code == 501


def test_who_connects_and_says_nothing_keeps_nobody_waiting(port, scrape):
    with socket.create_connection(("127.0.0.1", port)):
        assert scrape()


def test_a_taken_port_is_told(port):
    with pytest.raises(CannotExpose, match=f"cannot serve metrics on 127.0.0.1:{port}: Address already in use"):
        Metrics().serve("127.0.0.1", port)


def test_closing_gives_the_port_back(metrics, port):
    metrics.close()
    with closing(Metrics()) as other:
        assert other.serve("127.0.0.1", port) == port
