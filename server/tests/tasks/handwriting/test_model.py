"""The artifact: what is loaded is what its manifest names."""

import json
import shutil
from pathlib import Path

import pytest

import zorky_models
from zorky_server.tasks.handwriting.model import BadModel, load_model
from zorky_server.tasks.handwriting.strip import Geometry

SHIPPED = zorky_models.ROOT / "handwriting"


def test_the_shipped_model_loads_and_knows_itself() -> None:
    model = load_model(SHIPPED)
    assert model.identity.name == "handwriting"
    assert len(model.identity.sha256) == 64
    assert len(set(model.charset)) == len(model.charset)
    assert set("абвгдеёжзийклмнопрстуфхцчшщъыьэюяАЯZz09 №«»—") <= set(model.charset)


def test_a_manifest_may_name_another_geometry(tmp_path: Path) -> None:
    folder = tmp_path / "handwriting"
    shutil.copytree(SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"geometry": {"height": 64, "stride": 4}}))
    assert load_model(folder).geometry == Geometry(64, 4)
    (folder / "manifest.json").write_text(json.dumps(manifest | {"geometry": {"hight": 64}}))
    with pytest.raises(BadModel, match="hight"):
        load_model(folder)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "handwriting"
    shutil.copytree(SHIPPED, folder)
    with (folder / "recognizer.onnx").open("ab") as weights:
        weights.write(b"\0")
    with pytest.raises(BadModel, match=r"recognizer\.onnx is not the file that its manifest names"):
        load_model(folder)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadModel, match=str(tmp_path)):
        load_model(tmp_path)
