"""The whole loop with its real parts: a model made worse on purpose is corrected by those who use it, tuned on what
they say, and replaced while it serves; what liars teach is refused."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zorky_models
from zorky_client import Client
from zorky_server.registry import Registry

pytestmark = [pytest.mark.torch, pytest.mark.slow]

MIXED = (("аонк", "окан"), ("neit", "eitn"))
"""Letters that the bad model mostly takes for others."""
SECRET = bytes(32)
"""Decides who is learnt from and who is judged by: five of the writers and seventeen of the liars are judged by."""
WRITERS, LINES_EACH = 16, 16
LIARS, LIES_EACH = 80, 3
HELD_OUT = 60


@dataclass(frozen=True)
class Written:
    """A picture of one line, and what is written on it."""

    file: bytes
    text: str


class Hands:
    """Draws lines in typefaces of the system, each with a manner of its own."""

    def __init__(self) -> None:
        from zorky_training.fonts import FontHand, printed_fonts
        from zorky_training.text import Texts

        self._texts = Texts()
        self.fonts = [path for path in printed_fonts() if path.stem.startswith(("DejaVuSans", "DejaVuSerif"))]
        assert len(self.fonts) >= 6, "apt install fonts-dejavu-core"
        self._hands = [FontHand(path) for path in self.fonts]

    def lines(self, hand: int, seed: int, number: int) -> list[Written]:
        """Lines of one person, who is known by hand and seed."""
        from zorky_training.scribe import Scribe

        rng = np.random.default_rng((hand, seed))
        one = self._hands[hand % len(self._hands)]
        texts = (self._texts.draw(rng) for _ in count())
        fitting = (text for text in texts if one.covers(text) and 8 <= len(text) <= 40)
        return [_written(Scribe(one, rng).crop(text, lambda: ""), text) for text in islice(fitting, number)]


def _written(crop: np.ndarray, text: str) -> Written:
    file = io.BytesIO()
    Image.fromarray(crop).save(file, "PNG")
    return Written(file.getvalue(), text)


def made_worse(folder: Path) -> Path:
    """The shipped model with some letters' scores mixed, as a folder of its own version."""
    import onnx
    from onnx import numpy_helper

    from zorky_training.package import file_entry

    shutil.copytree(zorky_models.ROOT / "handwriting", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    model = onnx.load(folder / "recognizer.onnx")
    last = [node for node in model.graph.node if node.op_type == "MatMul"][-1].input[1]
    (head,) = (tensor for tensor in model.graph.initializer if tensor.name in (last, f"{last}.half"))
    columns = numpy_helper.to_array(head).copy()
    for letters, others in MIXED:
        own, foreign = ([1 + manifest["charset"].index(letter) for letter in one] for one in (letters, others))
        columns[:, own] = 0.4 * columns[:, own] + 0.6 * columns[:, foreign]
    head.CopyFrom(numpy_helper.from_array(columns, head.name))
    onnx.save(model, folder / "recognizer.onnx")
    manifest["version"] += "-worse"
    manifest["weights"]["recognizer"] = file_entry(folder / "recognizer.onnx")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def cer(client: Client, lines: list[Written]) -> float:
    """Character error rate of what the server answers now."""
    from rapidfuzz.distance import Levenshtein

    from zorky_training.charset import loosen

    read = [client.recognize(line.file, layout="line").text for line in lines]
    edits = sum(Levenshtein.distance(loosen(line.text), loosen(one)) for line, one in zip(lines, read, strict=True))
    return edits / sum(len(loosen(line.text)) for line in lines)


def correct(client: Client, user: str, lines: list[Written], said: Callable[[str], str] = str) -> None:
    """What one person does: has each line read, and sends what they say stands there."""
    for line in lines:
        result = client.recognize(line.file, layout="line", retention="feedback", user_key=user)
        client.correct_text(result, said(line.text), allow_training=True)


def lie(text: str) -> str:
    """One letter for another: each liar's few look like slips."""
    return text.translate(str.maketrans("оe", "аa"))


@dataclass(frozen=True)
class Loop:
    """A running server that follows a registry, and how to look whether tuning is due."""

    client: Client
    registry: Registry
    watch: Callable[[], subprocess.CompletedProcess[str]]

    @property
    def version(self) -> str:
        """The version that shall serve."""
        return self.registry.current().version

    def wait_until_it_serves(self) -> None:
        """Returns when the server answers with it."""
        for _ in range(200):
            if self.client.info().recognition.models[0].version == self.version:
                return
            time.sleep(0.1)
        raise AssertionError(f"the server never answered with {self.version}")


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def follow(start_server, hands: Hands, tmp_path: Path) -> Iterator[Callable[[Path], Loop]]:
    """Starts a server on a registry with this model alone, and an empty store."""
    place, fonts, frozen = tmp_path / "registry", tmp_path / "fonts", tmp_path / "frozen"
    for folder in (place, fonts, tmp_path / "data"):
        folder.mkdir(mode=0o700)
    (tmp_path / "data" / "secret").write_bytes(SECRET)
    for font in hands.fonts:
        (fonts / font.name).symlink_to(font)
    label(frozen, [line for hand in (2, 5) for line in hands.lines(hand, 99, 70)])
    settings = tmp_path / "zorky.toml"
    settings.write_text(f'data_dir = "{tmp_path / "data"}"\nregistry = "{place}"\nregistry_poll = 0.2\n')
    command = [sys.executable, "-m", "zorky_training", "watch", "--once", "--corrections", "100"]
    command += ["--settings", settings, "--fonts", fonts, "--frozen", frozen, "--work", tmp_path / "work"]

    def watch() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)

    with ExitStack() as stack:

        def started(model: Path) -> Loop:
            registry = Registry(str(place), "handwriting")
            registry.promote(registry.publish(model))
            server = start_server("--settings", str(settings)).wait_until_serving()
            return Loop(stack.enter_context(Client(server.address)), registry, watch)

        yield started


def label(folder: Path, lines: list[Written]) -> None:
    """Writes a labelled folder as an operator would."""
    folder.mkdir()
    for number, line in enumerate(lines):
        (folder / f"{number}.png").write_bytes(line.file)
    (folder / "labels.tsv").write_text("".join(f"{n}.png\t{line.text}\n" for n, line in enumerate(lines)))


def test_what_people_correct_is_read_better_without_a_restart(follow, hands, tmp_path):
    loop = follow(made_worse(tmp_path / "worse"))
    unseen = hands.lines(1, 7, HELD_OUT)
    before = cer(loop.client, unseen)
    assert loop.watch().returncode == 0
    assert loop.version.endswith("-worse"), "nobody has said anything yet"

    for writer in range(WRITERS):
        correct(loop.client, f"writer {writer}", hands.lines(writer, 1000 + writer, LINES_EACH))
    looked = loop.watch()
    assert looked.returncode == 0, looked.stderr
    assert loop.version.endswith("-worse-tuned.1"), looked.stderr
    loop.wait_until_it_serves()
    assert cer(loop.client, unseen) < 0.8 * before


def test_what_liars_say_is_refused_and_the_reason_is_told(follow, hands):
    loop = follow(zorky_models.ROOT / "handwriting")
    shipped = loop.version
    for liar in range(LIARS):
        correct(loop.client, f"liar {liar}", hands.lines(liar, 2000 + liar, LIES_EACH), lie)
    looked = loop.watch()
    assert looked.returncode == 3, looked.stderr
    assert '"event": "refused"' in looked.stderr
    assert "CER" in looked.stderr
    assert loop.version == shipped
    assert loop.client.info().recognition.models[0].version == shipped
