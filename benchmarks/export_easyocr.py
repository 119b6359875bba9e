"""EasyOCR's networks as ONNX files, converted as `zorky-train import-easyocr` does, with random weights: those that it
publishes need not be fetched to learn how long they take.

    .make/easyocr-venv/bin/python benchmarks/export_easyocr.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from zorky_training.import_easyocr import (
    craft_network,
    easyocr_module,
    export_detector,
    export_recognizer,
    recognizer_network,
)


def main(folder: Path) -> None:
    """Writes detector.onnx and recognizer.onnx."""
    folder.mkdir(parents=True)
    characters = easyocr_module("config").recognition_models["gen2"]["cyrillic_g2"]["characters"]
    export_recognizer(recognizer_network(len(characters)), folder / "recognizer.onnx")
    export_detector(craft_network(), folder / "detector.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
