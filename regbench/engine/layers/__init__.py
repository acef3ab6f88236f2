"""Layers and parameters with a run axis."""
