"""Regularizers, a file each."""
