"""The data set of a real store: what is in it, who is where, and that what is deleted there goes here."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from zorky_server.settings import Settings
from zorky_server.storage import opened_store
from zorky_server.store import Feedback, ResultRecord, Store, WordCorrection
from zorky_training.__main__ import parser
from zorky_training.corrections.dataset import build
from zorky_training.corrections.labels import Reason
from zorky_training.real import RealLines
from zorky_training.samples import labelled

from .conftest import HEIGHT, LETTER, MakeReading

PEOPLE = ("anna", "boris", "vera")
READ = [[("Белка", 0.95), ("спратала", 0.3), ("орехи", 0.95)], [("ёжик", 0.95), ("уснул", 0.95)], [("hello", 0.95)]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with opened_store(settings) as opened:
        yield opened


def picture(number: int) -> bytes:
    """A page that tells its lines by their colour."""
    page = np.full((400, 900, 3), 240, np.uint8)
    for row in range(len(READ)):
        page[60 * row : 60 * row + HEIGHT, 30:700] = (90 + 40 * row, 200, number % 250)
    return cv2.imencode(".png", page)[1].tobytes()


async def record(store: Store, number: int, user: str, reading: str) -> str:
    result = ResultRecord(
        result_id=f"{number:032x}",
        user_key=user,
        model="handwriting",
        model_version="1",
        model_sha256="ab" * 32,
        calibration="c",
        image=picture(number),
        width=900,
        height=400,
        timings={"total": 0.1},
        words_per_line=tuple(map(len, READ)),
        confidence=0.8,
        kept=reading,
    )
    await store.record(result)
    return result.result_id


async def correct(store: Store, number: int, words: Sequence[tuple[int, int, str]], consents: bool = True) -> None:
    corrections = tuple(WordCorrection(*word) for word in words)
    result_id, request_id = f"{number:032x}", f"{number}.{words}.{consents}"
    await store.add_feedback(Feedback(request_id, result_id, words=corrections, allow_training=consents))


async def fill(store: Store, make_reading: MakeReading) -> None:
    """Two pages of each person: of each, the first and the third line corrected."""
    for number, user in enumerate(PEOPLE * 2):
        await record(store, number, user, make_reading(*READ))
        await correct(store, number, [(0, 1, "спрятала"), (2, 0, "hallo")])


@pytest.fixture
async def corrected(store: Store, make_reading: MakeReading) -> Store:
    """Filled as `fill` does."""
    await fill(store, make_reading)
    return store


def rows(folder: Path) -> dict[str, list[list[str]]]:
    return {
        part: [row.split("\t") for row in (folder / part / "labels.tsv").read_text("utf-8").splitlines()]
        for part in ("train", "test")
    }


async def test_corrected_lines_become_crops_with_text_language_and_writer(corrected: Store, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    summary = await build(corrected, folder)
    table = rows(folder)
    every = [row for part in table.values() for row in part]
    assert (
        sorted((text, kind) for _, text, kind, _ in every)
        == [("hallo", "en")] * 6 + [("Белка спрятала орехи", "ru")] * 6
    )
    writers = {part: {row[3] for row in own} for part, own in table.items()}
    assert len(writers["train"] | writers["test"]) == len(PEOPLE)
    assert not writers["train"] & writers["test"]
    assert all(writers.values())
    assert json.loads((folder / "summary.json").read_text()) == summary.as_json()
    assert summary.as_json()["lines"] == {part: len(own) for part, own in table.items()}
    for part, own in table.items():
        for file, text, *_ in own:
            crop = cv2.imread(str(folder / part / file))
            assert crop.shape == (HEIGHT, LETTER * len("Белка спратала орехи" if "Б" in text else text), 3)
            assert int(crop[20, 50, 0]) == (90 if "Б" in text else 170)


async def test_the_folder_is_one_that_training_and_measuring_read(corrected: Store, tmp_path: Path) -> None:
    await build(corrected, tmp_path / "set")
    crop, text = RealLines(tmp_path / "set" / "train").draw(np.random.default_rng(0))
    assert text in ("Белка спрятала орехи", "hallo")
    assert crop.ndim == 3
    samples = labelled(tmp_path / "set" / "test")
    assert {sample.kind for sample in samples} == {"ru", "en"}
    assert {sample.writer for sample in samples} == {row[3] for row in rows(tmp_path / "set")["test"]}


async def test_building_again_cuts_what_is_new_alone(
    corrected: Store, tmp_path: Path, make_reading: MakeReading
) -> None:
    await build(corrected, tmp_path / "set")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*.png")}
    await record(corrected, 50, "anna", make_reading(*READ))
    await correct(corrected, 50, [(1, 1, "устал")])
    await build(corrected, tmp_path / "set")
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").rglob("*.png")}
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1


async def test_a_writer_stays_where_the_folder_has_it(corrected: Store, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    await build(corrected, folder)
    (folder / "train" / "labels.tsv").rename(folder / "kept.tsv")
    (folder / "test" / "labels.tsv").rename(folder / "train" / "labels.tsv")
    (folder / "kept.tsv").rename(folder / "test" / "labels.tsv")
    swapped = {part: {row[3] for row in own} for part, own in rows(folder).items()}
    await build(corrected, folder)
    assert {part: {row[3] for row in own} for part, own in rows(folder).items()} == swapped
    assert all((folder / part / row[0]).exists() for part, own in rows(folder).items() for row in own)


async def test_what_a_person_has_deleted_goes_from_the_data_set_too(corrected: Store, tmp_path: Path) -> None:
    before = await build(corrected, tmp_path / "set")
    await corrected.delete_user("boris")
    after = await build(corrected, tmp_path / "set")
    left = [row for rows in after.rows.values() for row in rows]
    assert len({row.writer for row in left}) == 2
    assert {row.writer for row in left} < {row.writer for rows in before.rows.values() for row in rows}
    crops = {path.name for path in (tmp_path / "set").rglob("*.png")}
    assert crops == {row.file for row in left}
    assert len(crops) == 8


async def test_leave_taken_back_takes_the_lines_back(corrected: Store, tmp_path: Path) -> None:
    await build(corrected, tmp_path / "set")
    await correct(corrected, 0, [(1, 0, "ужик")], consents=False)
    await build(corrected, tmp_path / "set")
    assert len(list((tmp_path / "set").rglob("*.png"))) == 10


async def test_a_picture_that_is_gone_or_torn_is_left_out_and_counted(
    corrected: Store, settings: Settings, tmp_path: Path
) -> None:
    (settings.data_dir / "pictures" / f"{1:032x}").unlink()
    (settings.data_dir / "pictures" / f"{2:032x}").write_bytes(picture(2)[:100])
    summary = await build(corrected, tmp_path / "set")
    assert summary.left_out[Reason.FORGOTTEN] == 4
    assert sum(map(len, summary.rows.values())) == 8


async def test_what_was_said_before_a_moment_is_left_out(corrected: Store, tmp_path: Path) -> None:
    tomorrow = round((datetime.now(UTC).timestamp() + 86_400) * 1e6)
    assert sum(map(len, (await build(corrected, tmp_path / "set", tomorrow)).rows.values())) == 0
    assert not list((tmp_path / "set").rglob("*.png"))


async def test_a_folder_with_something_else_is_left_alone(corrected: Store, tmp_path: Path) -> None:
    mine = tmp_path / "set" / "train" / "mine.png"
    mine.parent.mkdir(parents=True)
    mine.touch()
    with pytest.raises(FileExistsError, match="neither empty nor a data set"):
        await build(corrected, tmp_path / "set")
    assert [path for path in (tmp_path / "set").rglob("*") if path.is_file()] == [mine]


async def test_a_build_that_was_cut_short_is_taken_up(corrected: Store, tmp_path: Path) -> None:
    await build(corrected, tmp_path / "whole")
    (tmp_path / "set").mkdir()
    shutil.copytree(tmp_path / "whole", tmp_path / "set", dirs_exist_ok=True)
    for path in (tmp_path / "set").rglob("labels.tsv"):
        path.unlink()
    (tmp_path / "set" / "train" / "half.new").write_bytes(b"half")
    await build(corrected, tmp_path / "set")
    assert rows(tmp_path / "set") == rows(tmp_path / "whole")
    assert not list((tmp_path / "set").rglob("*.new"))


async def test_only_its_owner_may_enter_the_data_set(corrected: Store, tmp_path: Path) -> None:
    await build(corrected, tmp_path / "set")
    assert (tmp_path / "set").stat().st_mode & 0o777 == 0o700


def run(*arguments: str) -> None:
    parsed = parser().parse_args(["corrections", *arguments])
    parsed.run(parsed)


def test_the_command_takes_the_servers_own_settings(
    settings: Settings, tmp_path: Path, make_reading: MakeReading, capsys: pytest.CaptureFixture[str]
) -> None:
    async def filled() -> None:
        async with opened_store(settings) as store:
            await fill(store, make_reading)
            await correct(store, 0, [(0, 1, "прятала"), (0, 0, "покупайте")])

    asyncio.run(filled())
    (tmp_path / "zorky.toml").write_text(f'data_dir = "{settings.data_dir}"\n')
    run("--settings", str(tmp_path / "zorky.toml"), "--output", str(tmp_path / "set"))
    shown = capsys.readouterr().out
    assert "1 left out: too far from what was read" in shown
    assert "спрятала" not in shown
    run("--data-dir", str(settings.data_dir), "--output", str(tmp_path / "empty"), "--since", "2100-01-01")
    assert not list((tmp_path / "empty").rglob("*.png"))
    assert len(list((tmp_path / "set").rglob("*.png"))) == 11


def test_an_empty_store_is_said_to_be_empty_and_a_wrong_place_is_told(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def make() -> None:
        async with opened_store(settings):
            pass

    asyncio.run(make())
    run("--data-dir", str(settings.data_dir), "--output", str(tmp_path / "set"))
    assert "Nobody has given corrections" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="set data_dir as for the server"):
        run("--data-dir", str(tmp_path / "elsewhere"), "--output", str(tmp_path / "set"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_day_that_is_none_is_told_to_be_written_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("--output", str(tmp_path / "set"), "--since", "вчера")
    assert "write it as 2026-11-21" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--settings", "/nowhere.toml", "--output", "x"], "cannot read the settings file /nowhere.toml"),
        (["--data-dir", "/dev/null", "--output", "x"], "/dev/null"),
    ],
)
def test_what_is_wrong_with_the_command_is_said_in_a_sentence(arguments: list[str], reason: str) -> None:
    with pytest.raises(SystemExit, match=reason):
        run(*arguments)
