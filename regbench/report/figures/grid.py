"""Heat maps of a study: a metric over two swept axes."""

from __future__ import annotations

from regbench.analysis.axes import Grid
from regbench.report.figures.heatmap import heatmap_figure
from regbench.report.figures.style import WIDE, Form
from regbench.vocabulary.metrics import COLUMNS, worse_sign

__all__ = ["grid_figure"]


def grid_figure(
    study: str, grid: Grid, metric: str, *, width: float = WIDE, form: Form = "svg"
) -> bytes:
    """The metric over the grid's axes; the least is framed (of a score, the most)."""
    known = grid.values[grid.values == grid.values]
    spread = known.min() > 0 and known.max() > 20 * known.min()
    name = COLUMNS[metric].typeset
    rest = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in grid.rest.items())
    return heatmap_figure(
        f"{study}: {name}" + (f" ({rest})" if rest else "") if study else "",
        grid.x_key,
        grid.y_key,
        grid.x,
        grid.y,
        grid.values,
        value_label=f"{name} (mean)",
        best="most" if worse_sign(metric) < 0 else "least",
        log_values=bool(spread),
        width=width,
        form=form,
    )
