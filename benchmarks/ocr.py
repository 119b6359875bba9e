"""One system that reads pages, in a process of its own: page.py asks it for one page at a time.

    python benchmarks/ocr.py SYSTEM

Pictures come on standard input, each after its length (8 bytes, big-endian). Answers go to standard output, a line of
JSON each: first the system's name, or why it cannot run here, then for each picture seconds and text. Seconds are
taken here, so what the pipe costs is not counted.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from running import ROOT

Read: TypeAlias = Callable[[bytes], tuple[float, str | None]]
"""Reads a picture file: seconds, and the text; None where there is nothing to compare."""
System: TypeAlias = tuple[str, Read]
"""Its name, and what reads."""


class NotHere(Exception):
    """A system cannot run on this machine; the message says what is missing."""


def rapidocr() -> System:
    """PP-OCRv6 small as the package has it, with its defaults: every core."""
    from rapidocr import RapidOCR  # each system is imported where it runs: none shares its process with another

    engine: Callable[[bytes], Any] = RapidOCR(params={"Global.log_level": "critical"})
    return f"RapidOCR {version('rapidocr')}", _timed(lambda file: "\n".join(engine(file).txts or ()))


def tesseract(page_mode: int = 3) -> System:
    """The command: a process a page, as most of its users have it. page_mode: 3, its default, looks for columns; 6
    takes the page for one block of text, and so does not pass over lines that it cannot tell from drawings."""
    _tessdata()
    command = ["tesseract", "stdin", "stdout", "-l", "rus+eng", "--psm", str(page_mode)]
    mode = "" if page_mode == 3 else f", psm {page_mode}"
    release = _said(["tesseract", "--version"]).split()[1]
    return f"Tesseract {release}{mode}", _timed(lambda file: _said(command, file))


def tesseract_in_process() -> System:
    """The library, its languages loaded once."""
    from PIL import Image
    from tesserocr import PyTessBaseAPI, tesseract_version

    engine = PyTessBaseAPI(path=_tessdata(), lang="rus+eng")

    def read(file: bytes) -> str:
        engine.SetImage(Image.open(io.BytesIO(file)))
        return str(engine.GetUTF8Text())

    return f"Tesseract {tesseract_version().split()[1]}, in process", _timed(read)


def easyocr_networks() -> System:
    """CRAFT and the generation-2 recogniser on the inputs that Zorky's reader makes for its own networks. Their weights
    are random: they take as long as the published ones, and what they answer is thrown away. Nothing else is timed."""
    import zorky_models
    from zorky_server.runtime.sessions import OnnxSession
    from zorky_server.tasks.handwriting.model import load_model
    from zorky_server.tasks.handwriting.picture import Limits
    from zorky_server.tasks.handwriting.reader import Reader
    from zorky_server.tasks.handwriting.strip import Geometry
    from zorky_server.tasks.handwriting.values import ModelCall, ReadOptions

    folder, cores = ROOT / ".make" / "easyocr-networks", len(os.sched_getaffinity(0))
    if not folder.exists():
        raise NotHere("EasyOCR's networks: make .make/easyocr-networks, which needs torch")
    model = load_model(zorky_models.ROOT / "handwriting")
    detector = OnnxSession(model.detector, cores)
    theirs = {name: OnnxSession(folder / f"{name}.onnx", cores) for name in ("detector", "recognizer")}
    reader = Reader(replace(model, geometry=Geometry(height=64, stride=4)), Limits())

    def answer(call: ModelCall) -> NDArray[np.float32]:
        """What lets the reader go on: the lines that are there, and nothing written in them."""
        if call.model == "detector":
            (lines,) = detector.run(call.tensor[None], alone=True)
            return lines
        blank = np.zeros((call.tensor.shape[2] // 4, len(model.charset) + 1), np.float32)
        blank[:, 0] = 1
        return blank

    def read(file: bytes) -> tuple[float, None]:
        steps, seconds = reader.read(file, ReadOptions()), 0.0
        asked = next(steps)
        while asked:
            started = perf_counter()
            for call in asked.calls:
                theirs[call.model].run(call.tensor[None], alone=True)
            seconds += perf_counter() - started
            try:
                asked = steps.send([answer(call) for call in asked.calls])
            except StopIteration:
                break
        return seconds, None

    return "EasyOCR's networks", read


SYSTEMS: dict[str, Callable[[], System]] = {
    "rapidocr": rapidocr,
    "tesseract": tesseract,
    "tesseract_one_block": partial(tesseract, 6),
    "tesseract_in_process": tesseract_in_process,
    "easyocr_networks": easyocr_networks,
}


def _timed(read: Callable[[bytes], str]) -> Read:
    def timed(file: bytes) -> tuple[float, str]:
        started = perf_counter()
        text = read(file)
        return perf_counter() - started, text

    return timed


def _tessdata() -> str:
    """The folder of Tesseract's languages. Raises NotHere without Russian and English."""
    try:
        place, *languages = _said(["tesseract", "--list-langs"]).splitlines()
    except OSError as missing:
        raise NotHere("Tesseract: not installed (apt install tesseract-ocr tesseract-ocr-rus)") from missing
    if not {"rus", "eng"} <= set(languages):
        raise NotHere("Tesseract: without Russian (apt install tesseract-ocr-rus)")
    return place.split('"')[1]


def _said(command: list[str], given: bytes = b"") -> str:
    return subprocess.run(command, input=given, check=True, capture_output=True).stdout.decode()


def main(system: str) -> None:
    """Serves pictures until there are no more."""
    try:
        name, read = SYSTEMS[system]()
    except NotHere as reason:
        _say({"absent": str(reason)})
        return
    _say({"name": name})
    while length := int.from_bytes(sys.stdin.buffer.read(8), "big"):
        seconds, text = read(sys.stdin.buffer.read(length))
        _say({"seconds": seconds, "text": text})


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
