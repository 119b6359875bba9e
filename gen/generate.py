"""Writes the Python messages and stubs in gen/python from proto/. With --check, fails when the tree differs."""

import filecmp
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).parent.parent
OUT = ROOT / "gen" / "python" / "zorky" / "v1"


def generate(out: Path) -> None:
    """Runs protoc: messages with types for every file, stubs with types for the services."""
    protos = sorted((ROOT / "proto" / "zorky" / "v1").glob("*.proto"))
    services = [path for path in protos if path.stem.endswith("_service")]
    well_known = Path(protoc.__file__).parent / "_proto"
    includes = [f"-I{ROOT / 'proto'}", f"-I{well_known}"]
    plugins = [f"--plugin={path}" for path in Path(sys.executable).parent.glob("protoc-gen-mypy*")]
    runs = [
        ([f"--python_out={out}", f"--mypy_out=quiet:{out}"], protos),
        ([f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}"], services),
    ]
    for outputs, files in runs:
        if protoc.main(["protoc", *includes, *plugins, *outputs, *map(str, files)]) != 0:
            sys.exit("protoc failed: see above")


def differing(fresh: Path) -> list[str]:
    """Names of generated files that are missing, extra or different in the tree."""
    names = {path.name for folder in (fresh, OUT) for path in folder.glob("*_pb2*.py*")}
    same, _, _ = filecmp.cmpfiles(fresh, OUT, names, shallow=False)
    return sorted(names - set(same))


def main() -> None:
    """Regenerates, or checks."""
    if "--check" not in sys.argv[1:]:
        for old in OUT.glob("*_pb2*.py*"):
            old.unlink()
        generate(OUT.parent.parent)
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        if stale := differing(Path(folder) / "zorky" / "v1"):
            sys.exit(f"gen/ differs from proto/ in {', '.join(stale)}: run `make gen` and commit what it writes")


if __name__ == "__main__":
    main()
