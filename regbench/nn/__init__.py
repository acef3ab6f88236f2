"""Stacked layers and networks: the run axis R comes first, and no run can touch another."""
