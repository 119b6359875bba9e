"""Reports for programs."""

import json
from dataclasses import replace

from zorky.v1 import report_pb2
from zorky_server.report.data import as_json

NAMES = {"start_time": "start", "end_time": "end"}
"""Of the contract, and in JSON, where they are days."""


def names(message) -> set[str]:
    return {NAMES.get(field.name, field.name) for field in message.DESCRIPTOR.fields}


def test_json_has_what_the_contract_has_and_shares(month):
    said = json.loads(as_json(month))
    assert said.keys() == names(report_pb2.Report) | {"retention"}
    assert said["total"].keys() == said["days"][0].keys() == names(report_pb2.Activity)
    assert said["cohorts"][0].keys() == names(report_pb2.Cohort) | {"active_shares"}
    assert said["conversion"].keys() == names(report_pb2.Conversion) | {"share"}
    assert said["qualities"][0].keys() == names(report_pb2.AnswerQuality) | {"good_share", "corrected_share"}
    assert said["latencies"][0].keys() == names(report_pb2.Latency)
    assert said["failures"][0].keys() == names(report_pb2.FailureCount)


def test_json_has_days_times_and_shares_as_programs_read_them(month):
    said = json.loads(as_json(month))
    assert (said["start"], said["end"]) == ("2026-01-01", "2026-01-31")
    assert said["latencies"][0]["p95"] == month.latencies[0].p95.total_seconds()
    assert said["conversion"]["share"] == month.conversion.second_pictures / month.conversion.first_pictures
    cohort = said["cohorts"][0]
    assert cohort["active_shares"] == [users / cohort["users"] for users in cohort["active_users"]]
    assert said["retention"][0] == 1.0


def test_what_there_is_no_figure_of_is_null(nothing):
    said = json.loads(as_json(nothing))
    assert said["conversion"] == {"first_pictures": 0, "second_pictures": 0, "median_delay": None, "share": None}
    assert set(said["retention"]) == {None}


def test_letters_of_all_scripts_are_themselves(month):
    assert "модель" in as_json(replace(month, latencies=(replace(month.latencies[0], model_version="модель"),)))
