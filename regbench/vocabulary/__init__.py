"""What there is, as data: names, directions, bounds, words. No NumPy here."""
