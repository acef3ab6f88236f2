"""Trains stacks of runs: layers, regularizers, optimizers, the one loop, scoring."""
