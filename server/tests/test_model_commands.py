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
    """Runs the command on the publisher's registry."""

    def run(*arguments: str) -> Result:
        environment = {"ZORKY_REGISTRY": publisher.url, "ZORKY_DATA_DIR": str(tmp_path / "data")}
        return CliRunner().invoke(main, ["models", *arguments], env=environment)

    return run


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
        f"current: 2099.1, in the place of {SHIPPED}",
        "Servers that follow the registry take it within 30 s.",
    ]
    marks = {line.split()[0]: line.split()[-1] for line in run("list").output.splitlines() if line.startswith("20")}
    assert marks == {"2099.1": "current", SHIPPED: "before"}

    rolled_back = run("rollback").output.splitlines()
    assert rolled_back[0] == f"current: {SHIPPED}, in the place of 2099.1"
    assert publisher.registry.current().version == SHIPPED

    records = asyncio.run(on_record(tmp_path))
    assert [(one.verdict, one.version, one.before) for one in records] == [
        ("promoted", "2099.1", SHIPPED),
        ("rolled back", SHIPPED, "2099.1"),
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
    (tmp_path / "data").write_text("no folder")
    result = run("rollback")
    assert result.exit_code == 0
    assert "It is not on record" in result.output
    assert publisher.registry.current().version == "2099.1"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["rollback"], "no version is noted as the one before"),
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
