"""Zorky's weights as package data: one folder a task, each with manifest.json, CARD.md and *.onnx."""

from pathlib import Path

ROOT = Path(__file__).parent
"""The folder that holds one folder a task."""
