"""Tuning: what is chosen from measurements, what is written, and a real measurement."""

import asyncio
import os
import tomllib

import pytest
from click.testing import CliRunner

from zorky_server.__main__ import main
from zorky_server.metrics import Metrics
from zorky_server.models import Models
from zorky_server.runtime.engine import drive
from zorky_server.settings import Settings, load_settings
from zorky_server.tasks.handwriting.values import ReadOptions
from zorky_server.tuning import CannotTune, Measured, best, change_file, drawn_pages, tuned, worker_counts


def test_every_machine_tries_one_worker_and_one_for_each_core():
    assert [worker_counts(cores) for cores in (1, 2, 3, 4, 6, 8)] == [
        [1],
        [1, 2],
        [1, 2, 3],
        [1, 2, 4],
        [1, 2, 4, 6],
        [1, 2, 4, 8],
    ]


def test_the_usual_setting_stays_unless_another_one_is_clearly_better():
    usual, alike, better = (Measured(2, 1, 4.0, 1.0, 0.3), Measured(1, 2, 4.1, 1.0, 0.1), Measured(4, 3, 4.5, 1.0, 0.5))
    assert best([usual, alike], usual) is usual
    assert best([usual, alike, better], usual) is better


def test_of_equal_rates_the_one_that_is_faster_alone_is_better():
    usual, slow, fast = (Measured(1, 1, 2.0, 1.0, 0.3), Measured(2, 1, 4.1, 1.0, 0.4), Measured(4, 1, 4.0, 1.0, 0.2))
    assert best([usual, slow, fast], usual) is fast


def test_what_else_stands_in_the_file_stays(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('# mine\nport = 7 # seven\nworkers=1 # one\nhost = "workers = 9"')
    change_file(file, {"workers": 3, "batch_pixels": 5000})
    assert file.read_text() == '# mine\nport = 7 # seven\nworkers = 3\nhost = "workers = 9"\nbatch_pixels = 5000\n'


def test_a_file_that_is_not_there_is_made(tmp_path):
    change_file(tmp_path / "new.toml", {"workers": 3})
    assert (tmp_path / "new.toml").read_text() == "workers = 3\n"


@pytest.mark.parametrize("text", ["'workers' = 1\n", "workers = {\n", 'host = """\nworkers = 1\n"""\nworkers = 2\n'])
def test_a_file_that_cannot_be_changed_safely_is_left_alone(tmp_path, text):
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(CannotTune, match=f"cannot write {file}"):
        change_file(file, {"workers": 3})
    assert file.read_text() == text


def test_the_drawn_pages_have_from_few_to_many_lines_that_are_found():
    loaded = Models(Settings(), Metrics()).current
    few, *_, many = drawn_pages()
    few_lines, many_lines = (
        len(drive(loaded.reader.read(page, ReadOptions()), loaded.sessions).lines) for page in (few, many)
    )
    assert 3 <= few_lines <= 5
    assert 11 <= many_lines <= 15


def test_the_machine_is_measured_and_what_was_chosen_is_a_settings_file(tmp_path, line_png):
    picture, file = tmp_path / "line.png", tmp_path / "settings.toml"
    picture.write_bytes(line_png)
    file.write_text("port = 7\n")
    result = CliRunner().invoke(main, ["tune", str(picture), "--seconds", "1", "--output", str(file)])
    assert result.exit_code == 0, result.output
    table = [line.split() for line in result.output.splitlines() if line.split()[0].isdigit()]
    assert {int(row[0]) for row in table} >= {1, len(os.sched_getaffinity(0))}
    assert all(float(cell) > 0 for row in table for cell in row[2:])
    chosen = tomllib.loads("\n".join(result.output.splitlines()[-2:]))
    assert [str(chosen["workers"]), f"{chosen['batch_pixels']:,}"] in [row[:2] for row in table]
    assert load_settings({}, file, {}) == Settings(port=7, **chosen)


def test_a_machine_that_others_use_is_told_of(line_png):
    """More workers than cores have less than a core each."""
    told: list[str] = []
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
            asyncio.run(tuned(Settings(), [line_png], 1.0, told.append))
    finally:
        os.sched_setaffinity(0, cores)
    assert told[-1].startswith("The workers had less than a core each")


@pytest.mark.parametrize("before", [0, 2])
def test_a_picture_that_is_none_is_told(tmp_path, line_png, before):
    (tmp_path / "line.png").write_bytes(line_png)
    (tmp_path / "none.jpg").write_bytes(b"no picture")
    pictures = [tmp_path / "line.png"] * before + [tmp_path / "none.jpg"]
    result = CliRunner().invoke(main, ["tune", *map(str, pictures), "--seconds", "1"])
    assert result.exit_code == 1
    assert result.stderr.startswith("zorky-server: the image is not a picture")
