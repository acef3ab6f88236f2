"""Heat maps of a study: a metric over two swept axes."""

from __future__ import annotations

from regbench.analysis.axes import Grid
from regbench.report.figures.heatmap import heatmap_figure
from regbench.report.figures.style import WIDE, Form

__all__ = ["grid_figure"]


def grid_figure(
    study: str, grid: Grid, metric: str, *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """The metric over the grid's axes; the least is framed (of a score, the most)."""
    score = metric.endswith(("acc", "r2")) and not metric.startswith("gap")
    known = grid.values[grid.values == grid.values]
    spread = known.min() > 0 and known.max() > 20 * known.min()
    name = metric.replace("val_", "validation ").replace("gap_", "gap in ")
    rest = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in grid.rest.items())
    return heatmap_figure(
        f"{study}: {name}" + (f" ({rest})" if rest else "") if study else "",
        grid.x_key,
        grid.y_key,
        grid.x,
        grid.y,
        grid.values,
        value_label=f"{name} (mean)",
        best="most" if score else "least",
        log_values=bool(spread),
        width=width,
        form=form,
    )
