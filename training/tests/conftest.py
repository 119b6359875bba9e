"""What the tests of training share. Loaded where the training distribution is not installed, too: it imports late."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from zorky_training.lines import Engine, Sources


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """A folder whose handwriting fonts are printed ones of the system, the only ones that need no fetching."""
    from zorky_training import fonts, lines

    folder: Path = tmp_path_factory.mktemp("fonts")
    found = [path for path in fonts.printed_fonts() if "Sans" in path.stem][:3]
    if not found:
        give_up = pytest.fail if "CI" in os.environ else pytest.skip
        give_up("needs a system font with Cyrillic (apt install fonts-dejavu-core)")
    for path in found:
        (folder / path.name).symlink_to(path)
    return lines.Sources(folder)


@pytest.fixture(scope="session")
def engine(sources: Sources) -> Engine:
    """An engine that draws with them."""
    from zorky_training.lines import Engine

    return Engine(sources, seed=3)


@pytest.fixture(scope="session")
def confused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that is the shipped one but for four letters, which it mostly takes for others."""
    import onnx
    from onnx import numpy_helper

    import zorky_models
    from zorky_server.tasks.handwriting.model import PARTS, load_model
    from zorky_training.charset import encode
    from zorky_training.package import write_manifest

    folder = tmp_path_factory.mktemp("confused") / "handwriting"
    shutil.copytree(zorky_models.ROOT / "handwriting", folder)
    model = onnx.load(folder / PARTS["recognizer"])
    head = [node for node in model.graph.node if node.op_type == "MatMul"][-1].input[1]
    (stored,) = (tensor for tensor in model.graph.initializer if tensor.name == f"{head}.half" or tensor.name == head)
    columns = numpy_helper.to_array(stored).copy()
    columns[:, encode("аонк")] = 0.4 * columns[:, encode("аонк")] + 0.6 * columns[:, encode("окан")]
    stored.CopyFrom(numpy_helper.from_array(columns, stored.name))
    onnx.save(model, folder / PARTS["recognizer"])
    write_manifest(folder, "1.0", load_model(zorky_models.ROOT / "handwriting").calibration, {})
    return folder


@pytest.fixture(scope="session")
def write_lines(engine: Engine) -> Callable[..., None]:
    """Draws the engine's lines of these numbers into a labelled folder, by writers in turn, each named by a letter.
    spoil: letters that its texts have others for."""
    import cv2

    def write(folder: Path, numbers: Iterable[int], writers: str, spoil: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True)
        rows = []
        for number in numbers:
            crop, text, _ = engine.line(number)
            cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
            text = text.translate(str.maketrans(spoil or {}))
            rows.append(f"{number}.png\t{text}\tru\t{writers[number % len(writers)]}\n")
        (folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")

    return write
