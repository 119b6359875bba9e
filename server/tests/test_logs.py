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
        structlog.get_logger("zorky.test").exception("failed")


def test_json_is_one_object_a_line_for_our_lines_and_those_of_libraries(capsys):
    configure_logs("json", "info")
    structlog.get_logger("zorky.test").info("ours", size=3)
    logging.getLogger("library").warning("theirs %d", 4)
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["size"], ours["level"], ours["logger"]) == ("ours", 3, "info", "zorky.test")
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
    structlog.get_logger("zorky.test").info("x")
    assert json.loads(capsys.readouterr().err)["event"] == "x"


@pytest.mark.parametrize(("level", "told"), [("debug", ["d", "i", "w"]), ("info", ["i", "w"]), ("warning", ["w"])])
def test_of_ours_lines_below_the_level_are_left_out(capsys, level, told):
    configure_logs("json", level)
    log = structlog.get_logger("zorky.test")
    log.debug("d")
    log.info("i")
    log.warning("w")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == told


@pytest.mark.parametrize(("level", "told"), [("debug", ["w", "e"]), ("info", ["w", "e"]), ("error", ["e"])])
def test_of_libraries_only_warnings_are_told_at_any_level(capsys, level, told):
    configure_logs("json", level)
    log = logging.getLogger("library")
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == told
