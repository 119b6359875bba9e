"""`zorky-server report` as people run it."""

import asyncio
import json
import re
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from click.testing import CliRunner, Result
from traffic import Day, life

from zorky_server.__main__ import main
from zorky_server.store import StorePlace, open_store


def report(place, *flags: str) -> Result:
    database = ("--database", place.database) if place.database else ()
    return CliRunner().invoke(main, ["report", "--data-dir", str(place.folder), *database, *flags])


@pytest.fixture
def days() -> list[Day]:
    """Five days of 2026."""
    return [*life(Random(2), date(2026, 5, 1), days=5, pictures=200, users=20)]


@pytest.fixture
def place(place, days, fill):
    """A store with these days in it."""
    asyncio.run(fill(place, days))
    return place


def test_days_are_counted_from_the_first_to_the_last(place, days):
    said = json.loads(report(place, "--since", "2026-05-02", "--until", "2026-05-03", "--format", "json").output)
    assert (said["start"], said["end"]) == ("2026-05-02", "2026-05-04")
    assert [day["pictures"] for day in said["days"]] == [len(day.pictures) for day in days[1:3]]


def test_the_usual_report_is_of_the_thirty_days_until_today(place):
    said = json.loads(report(place, "--format", "json").output)
    assert len(said["days"]) == 30
    assert datetime.now(UTC).date() - date.fromisoformat(said["days"][-1]["start"]) <= timedelta(days=1)


def test_each_form_is_printed_or_written(place, tmp_path):
    for form, beginning in (("table", "Zorky  1 May 2026"), ("json", '{\n "start"'), ("html", "<!DOCTYPE html>")):
        flags = ("--since", "2026-05-01", "--until", "2026-05-05", "--format", form)
        file = tmp_path / form
        assert report(place, *flags, "--output", str(file)).output == ""
        assert file.read_text("utf-8").lstrip().startswith(beginning)
        assert file.read_text("utf-8") == report(place, *flags).output


def test_nobody_is_named_in_it(place, days):
    named = {one.user for day in days for one in day.pictures} | {one.result_id for day in days for one in day.pictures}
    for form in ("table", "json", "html"):
        said = report(place, "--since", "2026-05-01", "--until", "2026-05-05", "--format", form).output
        assert not named & set(re.findall("[0-9a-f]{32,}", said))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--since", "May"], "does not match the format '%Y-%m-%d'"),
        (["--since", "2026-05-02", "--until", "2026-05-01"], "a span that ends after it begins"),
        (["--since", "1990-01-01"], "ten years at most: choose a shorter span"),
        (["--since", "0001-01-01"], "between the years 1970 and 2999"),
        (["--until", "9999-12-31"], "between the years 1970 and 2999"),
        (["--output", "/nowhere/report.html"], "cannot write /nowhere/report.html: No such file or directory"),
        (["--data-dir", "/nowhere"], "there is no /nowhere/zorky.sqlite3: set data_dir as for the server"),
    ],
)
async def test_what_cannot_be_done_is_told_in_a_sentence(tmp_path, flags, told):
    await (await open_store(StorePlace(tmp_path), 3600)).close()
    found = await asyncio.to_thread(CliRunner().invoke, main, ["report", "--data-dir", str(tmp_path), *flags])
    assert found.exit_code in (1, 2)
    assert told in found.output
