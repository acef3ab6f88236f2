"""regbench: how much does a model overfit, and which regularizer closes the gap?

>>> import regbench
>>> results = regbench.run("configs/quickstart.yaml")    # doctest: +SKIP
>>> results.gap[["cell", "gap_loss", "val_acc"]]          # doctest: +SKIP
"""

from typing import Any

__all__ = ["Results", "export", "load_study", "predict", "read", "run", "study_from_mapping"]


def __getattr__(name: str) -> Any:
    # Imported on first use, so that `import regbench.errors` stays light.
    if name in ("Results", "export", "predict", "read", "run"):
        import regbench.api as home
    elif name in ("load_study", "study_from_mapping"):
        import regbench.config.load as home  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module 'regbench' has no attribute {name!r}")
    return getattr(home, name)
