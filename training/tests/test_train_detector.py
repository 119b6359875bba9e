"""The detector's training: targets fit the post-processing, wrong answers cost more, a run goes on where it stopped."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from zorky_server.tasks.handwriting.detector import lines_from_map
from zorky_training import train_detector
from zorky_training.detector_targets import core_map
from zorky_training.evaluate_detector import overlap
from zorky_training.lines import Sources
from zorky_training.pages import PageEngine, quad_of
from zorky_training.sheet import Band
from zorky_training.train_detector import CROP, RATE, detection_loss, page_crops, rate_at, train

pytestmark = pytest.mark.torch


def band(left: float, right: float, top: float, bottom: float, bow: float = 0.0) -> Band:
    x = np.linspace(left, right, 9, dtype=np.float32)
    sag = (bow * np.sin(np.linspace(0, np.pi, 9))).astype(np.float32)
    return Band("", np.stack((x, top + sag), 1), np.stack((x, bottom + sag), 1))


BANDS = [band(50, 500, 100, 140), band(60, 420, 150, 190, bow=6), band(100, 180, 220, 260), band(50, 75, 300, 340)]


def test_a_perfect_answer_becomes_the_lines_that_were_drawn() -> None:
    target, _ = core_map(BANDS, 1.0, (400, 600))
    lines = lines_from_map(target.astype(np.float32), 1.0, (600, 400))
    assert len(lines) == len(BANDS)
    for drawn in BANDS:
        assert max(overlap(quad_of(drawn), line.quad) for line in lines) > 0.55


def test_lines_too_small_to_read_do_not_count() -> None:
    target, counts = core_map([band(50, 200, 100, 105)], 1.0, (200, 300))
    assert not target.any()
    assert not counts[102, 60:190].any()
    assert counts[:90].all()


def test_the_loss_falls_from_no_answer_to_the_right_one_and_ignores_what_does_not_count() -> None:
    target, counts = (torch.from_numpy(part)[None] for part in core_map(BANDS, 1.0, (400, 600)))
    right = (target.float() * 16 - 8)[:, None]
    losses = [float(detection_loss(logits, target, counts)) for logits in (-right, torch.zeros_like(right), right)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.01
    spoilt = right.clone()
    spoilt[..., :50] = 8
    counts[..., :50] = 0
    target_inside = target[..., 50:].sum()
    assert target_inside > 0
    assert float(detection_loss(spoilt, target, counts)) < 0.02


def test_crops_show_parts_of_lines_with_their_targets(sources: Sources) -> None:
    engine = PageEngine(sources, seed=2)
    crops = [crop for number in range(3) for crop in page_crops(engine, number)]
    for image, target, counts in crops:
        assert image.shape == (3, CROP, CROP)
        assert target.shape == counts.shape == (CROP, CROP)
        assert image.min() >= -1
        assert image.max() <= 1
    assert sum(bool(target.any()) for _, target, _ in crops) > len(crops) / 2


def test_the_rate_rises_holds_and_falls() -> None:
    rates = [rate_at(step, 1000) for step in range(1000)]
    assert rates[0] < rates[10] < rates[100] == rates[500] == RATE
    assert rates[700] > rates[800] > rates[999] > 0
    assert rates[999] < 0.001 * RATE


def test_a_run_resumes_and_leaves_a_detector_that_runs(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for knob in ("BATCH", "POOL", "CROPS_A_PAGE"):
        monkeypatch.setattr(train_detector, knob, 1)
    train(sources, tmp_path, steps=1, workers=0)
    train(sources, tmp_path, steps=2, workers=0)
    rows = (tmp_path / "loss.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["0", "1"]
    session = onnxruntime.InferenceSession(tmp_path / "detector.onnx", providers=["CPUExecutionProvider"])
    probabilities = np.asarray(session.run(None, {"x": np.ones((1, 3, 64, 96), np.float32)})[0])
    assert probabilities.shape == (1, 1, 64, 96)
    assert probabilities.max() < 0.5
    assert (tmp_path / "loss.png").exists()
