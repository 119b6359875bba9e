"""The artifact of the handwriting model: a folder with manifest.json and the weights that it names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .calibration import Calibration
from .grammar import Weights
from .language_model import LanguageModel
from .strip import Geometry

PARTS = {
    "detector": "detector.onnx",
    "recognizer": "recognizer.onnx",
    "language_model": "language_model.npz",
    "decoding": "decoding.json",
}
"""What the manifest must name, and how training calls the files."""


class BadModel(Exception):
    """The model's folder cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The exact model that made a result."""

    name: str
    version: str
    sha256: str
    """Of the manifest, which names the SHA-256 of every weight file."""
    calibration: str


@dataclass(frozen=True, slots=True)
class HandwritingModel:
    """What the manifest tells."""

    identity: ModelIdentity
    detector: Path
    recognizer: Path
    charset: str
    """One character a class; class i + 1 of the recogniser is charset[i], class 0 is the CTC blank."""
    languages: tuple[str, ...]
    calibration: Calibration
    language_model: LanguageModel
    weights: Weights
    """Of the language model beside the optics."""
    geometry: Geometry


def load_model(folder: Path) -> HandwritingModel:
    """Reads folder/manifest.json and verifies the weights. Raises BadModel when they are missing or not the same."""
    try:
        raw = (folder / "manifest.json").read_bytes()
        manifest = json.loads(raw)
        files = {part: _verified(folder, **manifest["weights"][part]) for part in PARTS}
        calibration = Calibration(**manifest["calibration"])
        return HandwritingModel(
            identity=ModelIdentity(
                manifest["name"], manifest["version"], hashlib.sha256(raw).hexdigest(), calibration.id
            ),
            charset=manifest["charset"],
            languages=tuple(manifest["languages"]),
            calibration=calibration,
            detector=files["detector"],
            recognizer=files["recognizer"],
            language_model=LanguageModel.load(files["language_model"]),
            weights=Weights(**json.loads(files["decoding"].read_bytes())),
            geometry=Geometry(**manifest.get("geometry", {})),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModel(f"no usable model in {folder}: {error!r}") from error


def _verified(folder: Path, file: str, sha256: str) -> Path:
    path = folder / file
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise BadModel(f"{path} is not the file that its manifest names: install zorky-models again")
    return path
