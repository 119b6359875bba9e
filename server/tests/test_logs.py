"""The log: one line of JSON each, whoever writes it, and no local variables in tracebacks."""

import json
import logging

import pytest
import structlog

from zorky_server.logs import configure_logs


def fail() -> None:
    private = "что написал человек"
    raise ValueError(len(private))


def log_a_failure() -> None:
    try:
        fail()
    except ValueError:
        structlog.get_logger("test").exception("failed")


def test_json_is_one_object_a_line_for_our_lines_and_those_of_libraries(capsys):
    configure_logs("json", "info")
    structlog.get_logger("test").info("ours", size=3)
    logging.getLogger("library").warning("theirs %d", 4)
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["size"], ours["level"], ours["logger"]) == ("ours", 3, "info", "test")
    assert (theirs["event"], theirs["level"]) == ("theirs 4", "warning")
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_where_but_not_what(capsys, log_format):
    configure_logs(log_format, "info")
    log_a_failure()
    written = capsys.readouterr().err
    assert "in fail" in written
    assert "человек" not in written.replace('private = "что написал человек"', "")


def test_auto_is_json_where_nobody_sits(capsys):
    configure_logs("auto", "info")
    structlog.get_logger("test").info("x")
    assert json.loads(capsys.readouterr().err)["event"] == "x"


def test_lines_below_the_level_are_left_out(capsys):
    configure_logs("json", "warning")
    structlog.get_logger("test").info("x")
    logging.getLogger("library").info("y")
    assert capsys.readouterr().err == ""
