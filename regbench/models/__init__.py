"""Architectures without torch: what a network consists of, and what it costs."""
