"""Models of a few bytes: a registry does not look into their weights."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zorky_server.registry import Registry


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a registry."""
    if request.param == "bucket":
        return f"{request.getfixturevalue('s3_bucket')}/models"
    place = tmp_path / "registry"
    place.mkdir()
    return str(place)


@pytest.fixture
def registry(url: str) -> Registry:
    return Registry(url, "reading")


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a model: two files of weights, a card and a manifest."""

    def make(version: str, weights: bytes = b"weights", **manifest: Any) -> Path:
        folder = tmp_path / "made" / f"{version}-{weights.hex()[:9]}"
        folder.mkdir(parents=True, exist_ok=True)
        parts = {"one": weights, "two": weights[::-1] + version.encode()}
        for name, data in parts.items():
            (folder / f"{name}.onnx").write_bytes(data)
        named = {
            name: {"file": f"{name}.onnx", "sha256": hashlib.sha256(data).hexdigest()} for name, data in parts.items()
        }
        content = {"name": "reading", "version": version, "weights": named} | manifest
        (folder / "manifest.json").write_text(json.dumps(content))
        (folder / "CARD.md").write_text(f"# {version}")
        return folder

    return make
