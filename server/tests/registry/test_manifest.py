"""Manifests: what a registry takes from them, and what nobody may smuggle in."""

import hashlib
import json
from typing import Any

import pytest

from zorky_server.registry import BadVersion
from zorky_server.registry.manifest import parse_manifest

DIGEST = hashlib.sha256(b"").hexdigest()


def raw(**changes: Any) -> bytes:
    weights = {"part": {"file": "part.onnx", "sha256": DIGEST}}
    return json.dumps({"name": "reading", "version": "2026.11.2-tuned.3", "weights": weights} | changes).encode()


def test_it_tells_version_files_and_error_rates():
    manifest = parse_manifest(raw(metrics={"cer": {"ru_pages": 0.08}, "ece": {"ru_pages": 0.06}}), "reading")
    assert manifest.version == "2026.11.2-tuned.3"
    assert manifest.files == {"part.onnx": DIGEST}
    assert manifest.cer == {"ru_pages": 0.08}
    assert parse_manifest(raw(), "reading").cer == {}


@pytest.mark.parametrize(
    "version",
    ["..", "../2026", "2026/11", "", "current.json", ".2026", "2026\n", "2026 11", "2" * 65, "２０２６", 2026],
)
def test_a_version_that_is_no_name_of_a_folder_is_refused(version):
    with pytest.raises(BadVersion, match="is not a version"):
        parse_manifest(raw(version=version), "reading")


@pytest.mark.parametrize("file", ["../part.onnx", "/etc/passwd", "a/b", "..", ".part", "", "part\0", "c:\\part", None])
def test_a_file_that_is_not_beside_the_manifest_is_refused(file):
    with pytest.raises(BadVersion, match="is not the name of a file"):
        parse_manifest(raw(weights={"part": {"file": file, "sha256": DIGEST}}), "reading")


def test_a_manifest_that_names_itself_is_refused():
    with pytest.raises(BadVersion, match="cannot name itself"):
        parse_manifest(raw(weights={"part": {"file": "manifest.json", "sha256": DIGEST}}), "reading")


@pytest.mark.parametrize("digest", ["", DIGEST[:-1], DIGEST.upper(), DIGEST + "\n", None])
def test_a_digest_that_is_none_is_refused(digest):
    with pytest.raises(BadVersion, match="is not a SHA-256"):
        parse_manifest(raw(weights={"part": {"file": "part.onnx", "sha256": digest}}), "reading")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        raw(weights=[]),
        raw(weights={"part": "part.onnx"}),
        raw(metrics={"cer": {"ru_pages": "good"}}),
        raw(metrics=[]),
    ],
)
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(BadVersion, match="no manifest of a model"):
        parse_manifest(content, "reading")


def test_a_model_for_another_task_is_refused():
    with pytest.raises(BadVersion, match="'reading', not for 'sorting'"):
        parse_manifest(raw(), "sorting")
