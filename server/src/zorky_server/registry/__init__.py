"""Published versions of a task's model in a folder or a bucket, and which of them shall serve.

REGISTRY/TASK/VERSION/{manifest.json, CARD.md, *.onnx, ...}   a version: what the folder of a model holds
REGISTRY/TASK/current.json                                    the version that shall serve, written last and whole
"""

from .errors import BadVersion, NoSuchVersion, RegistryError, RegistryUnreachable, VersionTaken
from .registry import Current, Published, Registry

__all__ = [
    "BadVersion",
    "Current",
    "NoSuchVersion",
    "Published",
    "Registry",
    "RegistryError",
    "RegistryUnreachable",
    "VersionTaken",
]
