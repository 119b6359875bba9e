"""Zorky's weights as package data: one folder a task, each with manifest.json, CARD.md, *.onnx and what else
reading takes."""

from pathlib import Path

ROOT = Path(__file__).parent
"""The folder that holds one folder a task."""
