"""The dashboard and the alerts: every metric and label that they read is one that a server tells."""

import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub

FOLDER = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "zorky.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALERTS = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"][0]["rules"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in ALERTS]
BY_PROMETHEUS = {"instance", "job"}
"""Labels that Prometheus adds."""

GROUPING = re.compile(r"\b(?:by|without|ignoring|on|group_left|group_right)\s*\(([^)]*)\)")
NO_NAMES = re.compile(r'"[^"]*"|\[[^]]*\]|\b\d[\w.]*|\b(?:and|or|unless)\b')
"""Values of labels, ranges, numbers, operators."""
SELECTOR = re.compile(r"\b([a-zA-Z_]\w*)\b\s*(?:\{([^}]*)\}|(?!\s*\())")
NAME = re.compile(r"[a-zA-Z_]\w*")

Labels = dict[str, set[str]]


def read(expression: str) -> tuple[Labels, set[str]]:
    """What an expression reads: labels matched on each metric, and labels that results are grouped by."""
    bare = NO_NAMES.sub("", expression)
    grouped = set(NAME.findall(" ".join(GROUPING.findall(bare))))
    matched: Labels = {}
    for metric, matchers in SELECTOR.findall(GROUPING.sub("", bare)):
        matched.setdefault(metric, set()).update(NAME.findall(matchers))
    return matched, grouped


@pytest.fixture(scope="module")
def told(server: Any, line_png: bytes) -> Labels:
    """Labels of every sample of a server that has read a picture, by its name."""
    with grpc.insecure_channel(server.address) as channel:
        RecognitionServiceStub(channel).Recognize(RecognizeRequest(image=line_png))
    page = urllib.request.urlopen(server.metrics_url, timeout=10).read().decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


def unknown(expression: str, told: Labels) -> set[str]:
    """Metrics and labels of an expression that no server tells."""
    matched, grouped = read(expression)
    assert matched, "an expression reads something"
    labels = [labels - told[metric] for metric, labels in matched.items() if metric in told]
    groups = grouped - set().union(*(told.get(metric, set()) for metric in matched))
    return (matched.keys() - told.keys()) | (set().union(*labels) | groups) - BY_PROMETHEUS


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_metric_and_label_that_is_read_is_told(told, expression):
    assert unknown(expression, told) == set()


def test_what_is_not_told_is_noticed(told):
    expression = 'sum by (nobody) (rate(zorky_request_total{state="x"}[5m]) + zorky_pending{colour="red", lane="bulk"})'
    assert unknown(expression, told) == {"zorky_request_total", "colour", "nobody"}


def test_every_metric_of_ours_is_on_the_dashboard_and_in_the_docs(told):
    shown = {metric for panel in PANELS for target in panel["targets"] for metric in read(target["expr"])[0]}
    documented = set(re.findall(r"`(zorky_\w+)`", (FOLDER.parents[1] / "docs" / "observability.md").read_text("utf-8")))
    ours = {family(name) for name in told if name.startswith("zorky_")}
    assert ours <= {family(name) for name in shown}
    assert ours == documented


def family(sample: str) -> str:
    return re.sub("_(bucket|sum|count)$", "", sample)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a_b", ({"a_b": set()}, set())),
        ('sum by (x, le) (rate(a{y="q{r", z=~".*"}[5m])) / 2e6', ({"a": {"y", "z"}}, {"x", "le"})),
        ("(a and on (i) b) > 900e6", ({"a": set(), "b": set()}, {"i"})),
        ("a / ignoring (s) group_left () sum(c)", ({"a": set(), "c": set()}, {"s"})),
        ('time() - a{x!="1"}', ({"a": {"x"}}, set())),
    ],
)
def test_the_reading_of_expressions(expression, expected):
    assert read(expression) == expected


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panels_say_what_they_show_and_in_which_unit(panel):
    assert panel["description"].endswith(".")
    assert panel["type"] == "table" or panel["fieldConfig"]["defaults"]["unit"]
    for one in (panel, *panel["targets"]):
        assert one["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        assert '{instance=~"$instance"' in target["expr"]


def test_panels_have_ids_of_their_own_and_stand_beside_each_other():
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    cells = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


def test_the_dashboard_belongs_to_no_one_installation():
    assert "id" not in DASHBOARD
    assert "uid" not in DASHBOARD
    assert DASHBOARD["schemaVersion"] == 39
    variables = {variable["name"]: variable["type"] for variable in DASHBOARD["templating"]["list"]}
    assert variables == {"datasource": "datasource", "instance": "query"}


def test_every_alert_is_played():
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text("utf-8"))["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert fired == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_alerts_say_how_bad_it_is_and_what_happened(rule):
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]
