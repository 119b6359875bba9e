"""Measures line detection: recall, precision and F1 at an overlap of half, for ours and for what it started from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto
from rich.console import Console
from rich.progress import track
from rich.table import Table

from zorky_server.tasks.handwriting.detector import detector_input, lines_from_map
from zorky_server.tasks.handwriting.light import flatten_light
from zorky_server.tasks.handwriting.values import Picture, Quad

from .lines import Sources
from .onnx_graph import OnnxGraph
from .pages import PageEngine, quad_of
from .real import read_picture
from .sheet import band_of
from .train_detector import published_detector

OVERLAP = 0.5
"""Intersection over union from which a found line is a true one."""
EVALUATION_SEED = 78

Detect = Callable[[Picture], list[Quad]]
Truth = tuple[Picture, list[Quad]]


@dataclass
class Score:
    """Counts over a set of pages, and what follows from them."""

    true: int = 0
    found: int = 0
    matched: int = 0
    overlaps: list[float] = field(default_factory=list)

    def add(self, truth: Sequence[Quad], found: Sequence[Quad]) -> None:
        overlaps = matches(truth, found)
        self.true += len(truth)
        self.found += len(found)
        self.matched += len(overlaps)
        self.overlaps += overlaps

    def summary(self) -> dict[str, float]:
        recall, precision = self.matched / max(1, self.true), self.matched / max(1, self.found)
        return {
            "lines": self.true,
            "found": self.matched,
            "false": self.found - self.matched,
            "recall": recall,
            "precision": precision,
            "f1": 2 * self.matched / max(1, self.true + self.found),
            "overlap": float(np.mean(self.overlaps)) if self.overlaps else 0.0,
        }


def matches(truth: Sequence[Quad], found: Sequence[Quad]) -> list[float]:
    """The overlaps of pairs of at least OVERLAP, best pairs first, each line in one pair at most."""
    overlaps = np.array([[overlap(one, other) for other in found] for one in truth]).reshape(len(truth), len(found))
    pairs = []
    while overlaps.size and overlaps.max() >= OVERLAP:
        row, column = np.unravel_index(overlaps.argmax(), overlaps.shape)
        pairs.append(float(overlaps[row, column]))
        overlaps[row], overlaps[:, column] = 0, 0
    return pairs


def overlap(one: Quad, other: Quad) -> float:
    """Intersection over union of two convex quads."""
    shared, _ = cv2.intersectConvexConvex(one.astype(np.float32), other.astype(np.float32))
    both = cv2.contourArea(one) + cv2.contourArea(other)
    return float(shared / max(both - shared, 1e-6))


def our_processing(model: ModelProto) -> Detect:
    """A detector's network between our own pre- and post-processing, looking from nearest."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def detect(picture: Picture) -> list[Quad]:
        seen = detector_input(picture)
        probabilities = np.asarray(session.run(None, {"x": seen.tensor[None]})[0], np.float32)
        return [line.quad for line in lines_from_map(probabilities[0], seen.scale, seen.size)]

    return detect


def rapidocr_detector() -> Detect:
    """The published detector as the package `rapidocr` runs it."""
    from rapidocr import RapidOCR  # slow to import and needed here alone
    from rapidocr.ch_ppocr_det import TextDetOutput

    engine = RapidOCR(params={"Global.log_level": "critical"})

    def detect(picture: Picture) -> list[Quad]:
        result = engine(picture[:, :, ::-1], use_det=True, use_cls=False, use_rec=False)
        boxes = result.boxes if isinstance(result, TextDetOutput) else None
        return [] if boxes is None else [np.asarray(box, np.float32) for box in boxes]

    return detect


def synthetic(sources: Sources, count: int, held_out: bool) -> Iterator[Truth]:
    """Pages never trained on; held_out: by hands never trained on either."""
    engine = PageEngine(sources, EVALUATION_SEED, held_out)
    for number in range(count):
        page = engine.page(number)
        yield page.picture, [quad_of(band) for band in page.bands]


def strips(folder: Path) -> Iterator[Truth]:
    """Pages in folder/pages whose lines were cut out over the whole width into folder/lines/<page>_<number>.png."""
    for path in sorted((folder / "pages").glob("*.jpg")):
        page = read_picture(path)
        cut = sorted((folder / "lines").glob(f"{path.stem}_*.png"))
        yield page, [_tightened(page, *_rows_of(page, read_picture(line))) for line in cut]


def _rows_of(page: Picture, strip: Picture) -> tuple[int, int]:
    """First and last row of the page that a strip, scaled or not, was cut from."""
    scale = page.shape[1] / strip.shape[1]
    size = (page.shape[1], round(strip.shape[0] * scale))
    pattern = cv2.resize(cv2.cvtColor(strip, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    agreement = cv2.matchTemplate(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY), pattern, cv2.TM_CCOEFF_NORMED)
    top = int(agreement[:, 0].argmax())
    return top, top + size[1]


def _tightened(page: Picture, top: int, bottom: int) -> Quad:
    """The quad around a strip's ink: pieces that lie in its outer fifths are the neighbours' tails."""
    flat = flatten_light(page, bottom - top)[top:bottom]
    dark = (cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY) < 200).astype(np.uint8)
    _, labels, stats, centres = cv2.connectedComponentsWithStats(dark)
    height = bottom - top
    own = (np.abs(centres[:, 1] / height - 0.5) < 0.3) & (stats[:, cv2.CC_STAT_AREA] > height * height / 500)
    own[0] = False
    rows, columns = np.nonzero(own[labels])
    points = np.stack((columns, rows + top), 1).astype(np.float32)
    return quad_of(band_of("", points))


def measure(truth: Iterable[Truth], systems: dict[str, Detect]) -> dict[str, dict[str, float]]:
    scores = {name: Score() for name in systems}
    for picture, quads in truth:
        for name, detect in systems.items():
            scores[name].add(quads, detect(picture))
    return {name: score.summary() for name, score in scores.items()}


def report(results: dict[str, dict[str, dict[str, float]]]) -> Table:
    table = Table("pages", "detector", "lines", "found", "false", "recall", "precision", "F1", "mean overlap")
    for pages, scores in results.items():
        for name, score in scores.items():
            counts = [f"{score[key]:.0f}" for key in ("lines", "found", "false")]
            shares = [f"{score[key]:.3f}" for key in ("recall", "precision", "f1", "overlap")]
            table.add_row(pages, name, *counts, *shares)
    return table


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("evaluate-detector", help="line recall and precision, ours and the original's")
    parser.add_argument("model", type=Path, help="detector.onnx")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="folder with handwriting fonts")
    parser.add_argument("--data", type=Path, help="folder with more hands: fonts/ and ru_traces.jsonl.gz")
    parser.add_argument("--pages", type=int, default=40, help="synthetic pages of each kind")
    parser.add_argument("--strips", type=Path, help="folder with real pages/ and the lines/ cut from them")
    parser.add_argument("--output", type=Path, default=Path("runs/detector/evaluation.json"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    original, sources = published_detector(), Sources(arguments.fonts, arguments.data)
    OnnxGraph(original).write_back(original)  # the same weights without the slow denormal ones
    systems = {
        "ours": our_processing(onnx.load(arguments.model)),
        "original, our processing": our_processing(original),
        "original, rapidocr": rapidocr_detector(),
    }
    sets = {
        "drawn, known hands": track(synthetic(sources, arguments.pages, False), "drawn", arguments.pages),
        "drawn, unknown hands": track(synthetic(sources, arguments.pages, True), "unknown hands", arguments.pages),
    }
    if arguments.strips:
        sets["real"] = strips(arguments.strips)
    results = {name: measure(truth, systems) for name, truth in sets.items()}
    Console().print(report(results))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(results, indent=1))
