"""zorky-server models: what it shows, what it changes and what it leaves on record."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import zorky_models
from zorky_server.__main__ import main
from zorky_server.settings import Settings
from zorky_server.storage import opened_store
from zorky_server.store import Promotion

INSTALLED = zorky_models.ROOT / "handwriting"
SHIPPED = json.loads((INSTALLED / "manifest.json").read_text())["version"]


@pytest.fixture
def run(publisher, tmp_path: Path):
    """Runs the command on the publisher's registry, beside the store of a server."""
    asyncio.run(on_record(tmp_path))

    def run(*arguments: str) -> Result:
        environment = {"ZORKY_REGISTRY": publisher.url, "ZORKY_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(main, ["models", *arguments], env=environment)

    return run


def marks(listing: Result) -> dict[str, str]:
    """The last word of each version's line."""
    return {line.split()[0]: line.split()[-1] for line in listing.output.splitlines() if line.startswith("20")}


async def on_record(tmp_path: Path) -> list[Promotion]:
    async with opened_store(Settings(data_dir=tmp_path / "data")) as store:
        return await store.promotions()


def test_a_model_is_published_listed_promoted_and_rolled_back(run, publisher, tmp_path):
    publisher.publish("2099.1")
    shutil.rmtree(publisher.place / "handwriting" / "2099.1")
    published = run("publish", str(tmp_path / "2099.1"))
    assert published.output == "published 2099.1; to let it serve: zorky-server models promote 2099.1\n"

    promoted = run("promote", "2099.1").output.splitlines()
    assert promoted == [
        "current: 2099.1, the first one",
        "Servers that follow the registry take it within 30 s.",
    ]
    publisher.publish("2099.2")
    run("promote", "2099.2")
    assert marks(run("list")) == {"2099.1": "before", "2099.2": "current"}

    assert run("rollback").output.splitlines()[0] == "current: 2099.1, in the place of 2099.2"
    assert marks(run("list")) == {"2099.1": "current", "2099.2": "MB"}

    records = asyncio.run(on_record(tmp_path))
    assert [(one.verdict, one.version, one.before) for one in records] == [
        ("promoted", "2099.1", ""),
        ("promoted", "2099.2", "2099.1"),
        ("rolled back", "2099.1", "2099.2"),
    ]


def test_where_no_version_is_before_a_rollback_brings_the_shipped_one(run, publisher):
    for version in ("2099.1", "2099.2"):
        publisher.promote(version)
    told = [run("rollback").output.splitlines()[0] for _ in range(3)]
    assert told == [
        "current: 2099.1, in the place of 2099.2",
        f"current: {SHIPPED}, in the place of 2099.1",
        f"current: {SHIPPED}, as before",
    ]


def test_the_list_tells_date_size_and_error_rates(run, publisher):
    assert run("list").output == "Nothing is published.\n"
    publisher.publish("2099.1")
    version, rates = run("list").output.splitlines()
    size = sum(file.stat().st_size for file in INSTALLED.iterdir() if file.is_file())
    assert version.split()[0] == "2099.1"
    assert f" {size / 1e6:.1f} MB" in version
    assert " UTC " in version
    assert "ru_pages 0.075" in rates


def test_a_rollback_to_a_named_version(run, publisher):
    for version in ("2099.1", "2099.2", "2099.3"):
        publisher.promote(version)
    assert run("rollback", "2099.1").output.startswith("current: 2099.1, in the place of 2099.3\n")


def test_what_changes_nothing_says_so_and_is_not_put_on_record(run, publisher, tmp_path):
    publisher.promote("2099.1")
    assert run("promote", "2099.1").output == "current: 2099.1, as before\n"
    assert asyncio.run(on_record(tmp_path)) == []


def test_a_rollback_counts_more_than_its_record(run, publisher, tmp_path):
    for version in ("2099.1", "2099.2"):
        publisher.promote(version)
    shutil.rmtree(tmp_path / "data")
    result = run("rollback")
    assert result.exit_code == 0
    assert "It is not on record: there is no" in result.output
    assert not (tmp_path / "data").exists()
    assert publisher.registry.current().version == "2099.1"


def test_a_damaged_note_is_mended(run, publisher):
    publisher.promote("2099.1")
    (publisher.place / "handwriting" / "current.json").write_text("{")
    assert marks(run("list")) == {"2099.1": "MB"}
    assert run("promote", "2099.1").output.startswith("current: 2099.1, the first one\n")
    assert marks(run("list")) == {"2099.1": "current"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rollback", "2099.9"], "nothing is published as 2099.9"),
        (["promote", "../2099"], "'../2099' is not a version"),
        (["publish", str(INSTALLED.parent)], "is no folder of a model"),
        (["list", "--registry", "/nonexistent/registry"], "there is no /nonexistent/registry"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_and_status_1(run, arguments, problem):
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("zorky-server: ")
    assert problem in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_a_registry_the_setting_is_named():
    result = CliRunner().invoke(main, ["models", "list"])
    assert result.exit_code == 1
    assert result.stderr.startswith("zorky-server: no registry is set: give --registry")
