"""Whoever installs the client gets the client: no model runtime, no picture library of the server's, no training."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

DISTRIBUTIONS = Path(__file__).parents[3]
ABSENT = ("onnxruntime", "cv2", "numpy", "torch", "zorky_server", "zorky_models")


def run(*command: object) -> str:
    """Runs a program and returns what it prints."""
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The bin folder of a fresh environment with nothing but the client's wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [DISTRIBUTIONS / "gen" / "python", DISTRIBUTIONS / "clients" / "python"]
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, *sources)
    wheels = sorted(folder.glob("*.whl"))
    assert [wheel.name.split("-")[0] for wheel in wheels] == ["zorky_client", "zorky_proto"]
    venv.create(folder / "venv", system_site_packages=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    constraints = DISTRIBUTIONS / "constraints.txt"
    run(*pip, "--python", python, "install", "--no-compile", "--prefer-binary", "-c", constraints, *wheels)
    return python.parent


def test_the_client_brings_no_model_runtime(installed):
    found = run(
        installed / "python", "-c", f"from importlib.util import find_spec; print(*filter(find_spec, {ABSENT}))"
    )
    assert found.split() == []


def test_the_command_runs_from_its_wheel(installed):
    assert run(installed / "zorky", "--help").startswith("Usage: zorky")
    assert run(installed / "zorky", "--version").startswith("zorky 0.")


def test_everything_the_client_can_do_imports_from_its_wheel(installed):
    modules = (
        "zorky_client",
        "zorky_client.formats.pdf",
        "zorky_client.formats.annotated",
        "zorky_client.cli.recognize",
    )
    run(installed / "python", "-W", "error", "-c", "import " + ", ".join(modules))


def test_the_wheel_is_typed(installed):
    code = "import zorky_client, pathlib; print((pathlib.Path(zorky_client.__file__).parent / 'py.typed').exists())"
    assert run(installed / "python", "-c", code) == "True\n"
