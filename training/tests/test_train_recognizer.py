"""Training: the published weights load, a run learns, resumes where it stopped, and exports what it learnt."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch.nn import functional

from zorky_training.evaluate import DevLines, onnx_network
from zorky_training.export_recognizer import averaged_network, export
from zorky_training.feed import Batch, Feed
from zorky_training.lines import Engine, Sources
from zorky_training.network import Recognizer, load_exported, load_pretrained, pretrained_path
from zorky_training.train_recognizer import Knobs, Run, as_function, train

pytestmark = pytest.mark.torch

KNOBS = Knobs(lines=64, pixel_columns=768, warm_up=1, threads=1)


@pytest.fixture(scope="module")
def batches(sources: Sources) -> Iterator[list[Batch]]:
    feed = Feed(sources, 1, 1, KNOBS.pixel_columns)
    stream = feed.batches()
    yield sorted((next(stream)[1] for _ in range(6)), key=lambda batch: batch.images.numel())
    feed.close()


def test_the_published_weights_give_the_published_features() -> None:
    """With a step each 8 pixels, as published, the network computes what PP-OCRv6 does."""
    network = Recognizer().eval()
    load_pretrained(network, pretrained_path())
    model = onnx.load(pretrained_path())
    head = next(node for node in reversed(model.graph.node) if node.op_type == "MatMul")
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(head.input[0]))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    strip = np.random.default_rng(0).uniform(-1, 1, (1, 3, 48, 192)).astype(np.float32)
    (published,) = session.run([head.input[0]], {"x": strip})
    network.local.dilation, network.local.padding = (1, 1), (0, 3)  # as published: a step each 8 pixels
    ours = network.neck(functional.avg_pool2d(network.blocks(network.stem(torch.from_numpy(strip))), (3, 2)))
    assert np.abs(ours.detach().numpy() - published).max() < 1e-3


def test_a_few_steps_on_one_batch_lower_its_loss(batches: list[Batch], tmp_path: Path) -> None:
    run = Run(replace(KNOBS, rate=1e-4, head_rate=1e-3), tmp_path)
    run.start()
    losses = [run.step(batches[0]) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_resumed_run_has_the_same_next_loss(batches: list[Batch], tmp_path: Path) -> None:
    run = Run(KNOBS, tmp_path)
    run.start()
    for batch in batches[:2]:
        run.step(batch)
    run.save()
    resumed = Run(KNOBS, tmp_path)
    resumed.start()
    expected = [run.step(batch) for batch in batches[:2]]
    assert [resumed.step(batch) for batch in batches[:2]] == pytest.approx(expected, rel=1e-4)
    assert resumed.lines == run.lines


def test_the_feed_goes_on_from_any_batch(sources: Sources, batches: list[Batch]) -> None:
    feed = Feed(sources, 1, 1, KNOBS.pixel_columns)
    place, batch = next(feed.batches(0, 3))
    feed.close()
    assert place == (0, 4)
    assert any(batch.images.equal(other.images) and batch.targets.equal(other.targets) for other in batches)


def test_batches_keep_to_the_budget(batches: list[Batch]) -> None:
    for batch in batches:
        count, _, height, width = batch.images.shape
        assert height == 48
        assert width % 64 == 0
        assert count == 1 or count * width <= KNOBS.pixel_columns
        assert len(batch.targets) == int(batch.lengths.sum())


def test_training_ends_with_a_checkpoint_scores_and_a_plot(sources: Sources, engine: Engine, tmp_path: Path) -> None:
    dev = drawn_dev(engine, tmp_path / "dev")
    train(replace(KNOBS, lines=12), tmp_path / "run", sources, [dev])
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"checkpoint.pt", "scores.csv", "progress.png"} <= names
    assert "drawn" in (tmp_path / "run" / "scores.csv").read_text()


def drawn_dev(engine: Engine, folder: Path) -> DevLines:
    """A labelled folder drawn by the engine."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(3):
        line = engine.line(number)
        cv2.imwrite(str(folder / "images" / f"{number}.png"), line.crop)
        rows.append(f"images/{number}.png\t{line.text}\n")
    (folder / "labels.tsv").write_text("".join(rows), encoding="utf-8")
    return DevLines("drawn", folder)


def test_the_exported_network_is_the_trained_one(batches: list[Batch], tmp_path: Path) -> None:
    run = Run(KNOBS, tmp_path)
    run.start()
    run.step(batches[0])
    run.save()
    network = averaged_network(tmp_path / "checkpoint.pt")
    export(network, tmp_path / "recognizer.onnx")
    exported = onnx_network(tmp_path / "recognizer.onnx")
    for shape in ((1, 3, 48, 64), (3, 3, 48, 448)):
        strips = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        expected = torch.softmax(torch.from_numpy(as_function(network)(strips)), 2).numpy()
        assert np.abs(exported(strips) - expected).max() < 1e-4
        assert expected.shape[1] == shape[3] // 4


def test_training_goes_on_from_a_recogniser_as_it_is_shipped(batches: list[Batch], tmp_path: Path) -> None:
    shipped = Path(str(resources.files("zorky_models") / "handwriting" / "recognizer.onnx"))
    run = Run(KNOBS, tmp_path)
    run.start(shipped)
    strips = batches[0].images.numpy()
    ours, served = as_function(run.averaged())(strips).argmax(2), onnx_network(shipped)(strips).argmax(2)
    assert (ours == served).mean() > 0.97  # integers round each step
    with pytest.raises(ValueError, match="zorky-train export"):
        load_exported(run.network, pretrained_path())
