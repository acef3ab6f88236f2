"""Rough rates for `plan`'s estimates and for choosing workers; nothing else depends on them."""

from __future__ import annotations

__all__ = ["PRODUCTS_PER_SECOND", "WORKER_START_SECONDS"]

# Multiply-adds a second that one core reaches on small batched products, with all that goes with
# them.
PRODUCTS_PER_SECOND = 1e10
# Most of it torch's import.
WORKER_START_SECONDS = 2.0
