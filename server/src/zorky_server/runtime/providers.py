"""What executes the models: the names that settings use, and what to do where one is missing."""

from typing import Literal

Provider = Literal["cpu", "cuda", "tensorrt"]

EXECUTORS: dict[Provider, list[str]] = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider"],
    "tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider"],
}
"""ONNX Runtime's names, the preferred one first."""

_LIBRARIES = {"cuda": "CUDA and cuDNN", "tensorrt": "CUDA, cuDNN and TensorRT"}


class ProviderMissing(Exception):
    """The models cannot run where it was asked for; the message says what to install or set."""


def not_installed(provider: Provider) -> ProviderMissing:
    """The onnxruntime that is installed was built without it."""
    return ProviderMissing(
        f"provider is {provider}, but the onnxruntime installed here runs on the CPU alone: "
        "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'zorky-server[gpu]', or set provider to cpu"
    )


def cannot_start(provider: Provider) -> ProviderMissing:
    """It is built in, but ONNX Runtime does without it: a library, the driver or the device is missing."""
    return ProviderMissing(
        f"provider is {provider}, but ONNX Runtime cannot use a GPU here (its reason stands above): nvidia-smi has to "
        f"show one, and {_LIBRARIES[provider]} of the versions that onnxruntime-gpu asks for must be installed; "
        "or set provider to cpu"
    )
