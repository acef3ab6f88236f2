"""Who trains which stack where."""
