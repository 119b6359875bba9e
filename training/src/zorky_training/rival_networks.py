"""Networks that the recogniser is compared with. They see what it sees and answer as it does:

strips (N, 3, 48, W) in [-1, 1], W a multiple of 8 -> logits (N, W / 4, 1 + len(CHARSET)).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .charset import CHARSET
from .import_easyocr import GREY, recognizer_network

_BLOCKS = 8
_KERNEL = 15
"""Steps: with eight blocks a step sees 56 to each side, a long word."""


class EasyOcrGeneration2(nn.Module):
    """EasyOCR's generation-2 network, from the package: seven plain convolutions and two bidirectional LSTMs."""

    def __init__(self) -> None:
        super().__init__()
        model = recognizer_network(len(CHARSET)).train()
        self.features, self.sequence, self.head = model.FeatureExtraction, model.SequenceModeling, model.Prediction
        self.register_buffer("grey", torch.tensor(GREY)[:, None, None], persistent=False)
        self.grey: Tensor
        _count_in_floats(self)

    def forward(self, x: Tensor) -> Tensor:
        grey = functional.pad((x * self.grey).sum(1, keepdim=True), (0, 4, 0, 0), "replicate")  # it loses a step
        columns = self.features(grey).mean(2).transpose(1, 2)
        for layer in self.sequence:
            columns = layer.linear(layer.rnn(columns)[0])
        logits: Tensor = self.head(columns)
        return logits


class _Mixer(nn.Module):
    """A residual block along the line: depthwise over the steps, then over the channels. (N, 256, 1, T) -> same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.along = nn.Conv2d(channels, channels, (1, _KERNEL), padding=(0, _KERNEL // 2), groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.compress = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.compress(functional.relu(self.expand(self.norm(self.along(x)))))
        return x + mixed


class ColumnNetwork(nn.Module):
    """Made for vector units: dense 3x3 convolutions and ReLU, channels in multiples of 16, and no attention, so that
    a column costs the same in a short line as in a long one."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            _convolution(3, 32, (2, 2)), _convolution(32, 64, (2, 2)),
            _convolution(64, 64), _convolution(64, 64), _convolution(64, 128, (2, 1)),
            _convolution(128, 128), _convolution(128, 128), _convolution(128, 256, (2, 1)),
        )  # fmt: skip
        self.fold = nn.Conv2d(256, 256, (3, 1))
        self.mix = nn.Sequential(*(_Mixer(256) for _ in range(_BLOCKS)))
        self.head = nn.Linear(256, 1 + len(CHARSET))
        _count_in_floats(self)

    def forward(self, x: Tensor) -> Tensor:
        columns = self.mix(self.fold(self.trunk(x)))
        logits: Tensor = self.head(columns.squeeze(2).transpose(1, 2))
        return logits


def _convolution(channels: int, out_channels: int, stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    convolution = nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU())


def _count_in_floats(network: nn.Module) -> None:
    """Batch normalisation counts batches in integers, which cannot be averaged as weights are."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.num_batches_tracked is not None:
            module.num_batches_tracked = module.num_batches_tracked.float()
