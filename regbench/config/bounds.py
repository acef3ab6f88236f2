"""Bounds that the command line shows; nothing is imported here, so that --help is quick."""

# A larger plan is refused before anything is enumerated.
MAX_RUNS = 100_000
