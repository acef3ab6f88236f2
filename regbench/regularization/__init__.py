"""Penalties, proximal steps, weight constraints and stopping rules."""
