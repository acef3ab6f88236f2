"""Rough rates for `plan`'s estimates and for choosing workers; nothing else depends on them."""

from __future__ import annotations

__all__ = ["WORKER_START_SECONDS", "stack_seconds"]

# Multiply-adds a second that one core reaches on small batched products, with the passes over
# memory that go with them.
_PRODUCTS_PER_SECOND = 2.5e10
# What a step of a stack takes however small its runs are.
_SECONDS_PER_STEP = 5e-4
# Most of it torch's import.
WORKER_START_SECONDS = 2.0


def stack_seconds(trajectories: int, epochs: int, products: int, steps: int) -> float:
    """Seconds on one core.

    Args:
        products: multiply-adds of one trajectory in an epoch.
        steps: of an epoch.
    """
    each = trajectories * products / _PRODUCTS_PER_SECOND + steps * _SECONDS_PER_STEP
    return epochs * each
