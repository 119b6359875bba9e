"""Models: a new one serves when it is sound, the one before goes on when it is not, and what nobody holds is gone."""

import asyncio
import gc
import json
import shutil
import urllib.request
import weakref
from contextlib import closing
from pathlib import Path

import pytest

import zorky_models
from zorky_server.metrics import Metrics
from zorky_server.models import Models
from zorky_server.runtime.providers import ProviderMissing
from zorky_server.settings import Settings
from zorky_server.tasks.handwriting.model import BadModel


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A models_dir of one's own."""
    return Path(shutil.copytree(zorky_models.ROOT, tmp_path / "models"))


def raise_version(folder: Path, version: str) -> None:
    manifest = folder / "handwriting" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": version}))


def damage(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"?")


def page_of(metrics: Metrics) -> str:
    with (
        closing(metrics),
        urllib.request.urlopen(f"http://127.0.0.1:{metrics.serve('127.0.0.1', 0)}/metrics", timeout=10) as page,
    ):
        return str(page.read().decode())


def models(folder: Path, metrics: Metrics | None = None) -> Models:
    return Models(Settings(models_dir=folder, workers=1), metrics or Metrics())


async def test_a_sound_model_takes_over_and_requests_keep_the_one_they_began_with(folder: Path) -> None:
    one = models(folder)
    begun = one.current
    raise_version(folder, "2099.1")
    assert await one.reload()
    assert one.current.reader.identity.version == "2099.1"
    assert begun.reader.identity.version != "2099.1"
    assert begun.sessions["detector"] is not one.current.sessions["detector"]


async def test_a_model_that_nobody_holds_any_more_is_unloaded(folder: Path) -> None:
    one = models(folder)
    before = weakref.ref(one.current.sessions["recognizer"])
    assert not await one.reload(), "the same model anew"
    gc.collect()
    assert before() is None


@pytest.mark.parametrize("part", ["recognizer.onnx", "detector.onnx", "manifest.json"])
async def test_a_damaged_model_is_refused_and_the_one_before_goes_on(folder: Path, part: str) -> None:
    one = models(folder)
    before = one.current
    damage(folder / "handwriting" / part)
    with pytest.raises(BadModel, match=r"not the file that its manifest names|no usable model"):
        await one.reload()
    assert one.current is before


async def test_a_model_that_verifies_but_cannot_read_is_refused(folder: Path) -> None:
    """The detector in the recogniser's place: its file is whole, and its output is no text."""
    one = models(folder)
    before, handwriting = one.current, folder / "handwriting"
    manifest = json.loads((handwriting / "manifest.json").read_text())
    manifest["weights"]["recognizer"] = manifest["weights"]["detector"]
    (handwriting / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadModel, match="fails at its warm-up"):
        await one.reload()
    assert one.current is before


async def test_where_the_gpu_is_gone_the_one_before_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = models(folder)
    before = one.current

    def gone(*_: object) -> None:
        raise ProviderMissing("provider is cuda, but it is gone")

    monkeypatch.setattr("zorky_server.models.OnnxSession", gone)
    with pytest.raises(BadModel, match="it is gone"):
        await one.reload()
    assert one.current is before


async def test_reloads_asked_for_at_once_come_one_after_the_other(folder: Path) -> None:
    one = models(folder)
    raise_version(folder, "2099.2")
    await asyncio.gather(one.reload(), one.reload())
    assert one.current.reader.identity.version == "2099.2"


async def test_it_is_counted_how_reloads_end(folder: Path) -> None:
    metrics = Metrics()
    one = models(folder, metrics)
    assert not await one.reload(), "the same model anew"
    raise_version(folder, "2099.1")
    assert await one.reload()
    damage(folder / "handwriting" / "detector.onnx")
    with pytest.raises(BadModel):
        await one.reload()
    told = await asyncio.to_thread(page_of, metrics)
    assert 'zorky_reloads_total{outcome="switched"} 1.0' in told
    assert 'zorky_reloads_total{outcome="refused"} 1.0' in told


def test_a_server_does_not_start_on_a_damaged_model(folder: Path) -> None:
    damage(folder / "handwriting" / "recognizer.onnx")
    with pytest.raises(BadModel, match="not the file that its manifest names"):
        models(folder)
