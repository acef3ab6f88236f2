"""Data that lie in files: one module a format, and what all formats share in `reading`."""
