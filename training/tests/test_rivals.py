"""Rivals see what the recogniser sees, answer as it does, and learn by the same training."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from zorky_training.charset import CHARSET
from zorky_training.feed import Feed
from zorky_training.formats import Drawn
from zorky_training.lines import Sources
from zorky_training.rival_networks import ColumnNetwork, EasyOcrGeneration2
from zorky_training.rivals import row, trained
from zorky_training.train_recognizer import Knobs

pytestmark = pytest.mark.torch

RIVALS = [ColumnNetwork, pytest.param(EasyOcrGeneration2, marks=pytest.mark.easyocr)]


@pytest.mark.parametrize("make", RIVALS)
def test_a_step_each_four_pixels(make: type[nn.Module]) -> None:
    network = make().eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 3, 48, 128)).shape == (2, 32, 1 + len(CHARSET))


@pytest.mark.parametrize("make", RIVALS)
def test_a_rival_learns_and_its_average_is_measured(make: type[nn.Module], sources: Sources, tmp_path: Path) -> None:
    knobs = Knobs(lines=8, pixel_columns=512, warm_up=1, threads=1)
    run = trained(make, knobs, tmp_path, sources)
    assert run.lines >= knobs.lines
    feed = Feed(sources, 1, 1, 512)
    _, batch = next(feed.batches())
    feed.close()
    losses = [run.step(batch) for _ in range(8)]
    assert losses[-1] < losses[0]
    drawn = [Drawn(batch.images[0].numpy(), "слово")]
    assert np.isfinite(row("rival", run, drawn, [])["cer"]["drawn"])
