"""One look for every figure: colours by meaning, text as text, the same input the same bytes.

Figures have no background, and their text and axes take the page's colour: light and dark pages
show the same file. matplotlib is imported where a figure is drawn.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


Form = Literal["svg", "png"]

# Okabe & Ito 2008: told apart by every kind of colour vision.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
TRAIN, VAL, TEST = BLUE, ORANGE, GREEN
GREY = "#888888"
# For cells, where there is no such meaning: Paul Tol's "bright", without grey. From the seventh on
# they come again with other dashes.
CYCLE = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377")
DASHES = ("-", "--", ":", "-.")
# Text and axes. In SVG it becomes the page's own colour, so nothing else may have it.
INK = "#333334"

# Inches. The narrow one is for phones: the text has the same size in both.
WIDE, NARROW = 7.5, 3.9

_LOOK: dict[Any, object] = {  # matplotlib's types list every key
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # matplotlib brings it; a page may have another
    "font.size": 8,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "savefig.dpi": 150,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text as text
    "svg.hashsalt": "regbench",  # no random ids
    "text.color": INK,
    "text.parse_math": False,  # a label's $ is a $
    "xtick.color": INK,
    "xtick.labelsize": 8,
    "ytick.color": INK,
    "ytick.labelsize": 8,
}
_BLOCK = re.compile(r"\b(?:dataset|model|optimizer|regularizer|training)\.(?=[\w.]+=)")
_PAGE = b"<style>svg{color:#333}@media(prefers-color-scheme:dark){svg{color:#ddd}}</style>"


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """An empty figure in the common look; draw and render it inside of the `with`.

    Args:
        width, height: inches.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()  # not the user's own matplotlibrc
        mpl.rcParams.update(_LOOK)
        # Characters that the font lacks are the page's to find; too little room still draws.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        warnings.filterwarnings("ignore", message=r"constrained_layout not applied")
        yield Figure(figsize=(width, height), layout="constrained")


def rendered(figure: Figure, form: Form) -> bytes:
    """The figure as SVG without dates and random ids, or as PNG on white."""
    content = BytesIO()
    if form == "png":
        figure.savefig(content, format="png", facecolor="white", metadata={"Software": None})
        return content.getvalue()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(content, format="svg", metadata=nothing)
    svg = content.getvalue().replace(INK.encode(), b"currentColor")
    svg = re.sub(rb' (d|x|y|transform|points)="[^"]*"', _shorter, svg)
    return svg.replace(b"<defs>", _PAGE + b"<defs>", 1)


def _shorter(found: re.Match[bytes]) -> bytes:
    """Two decimals of a point are finer than any screen."""
    return re.sub(rb"(\.\d\d)\d+", rb"\1", found[0])


def colour_of(place: int) -> tuple[str, str]:
    """The colour and the dashes of the cell in this place.

    >>> colour_of(0), colour_of(6)
    (('#4477AA', '-'), ('#4477AA', '--'))
    """
    return CYCLE[place % len(CYCLE)], DASHES[place // len(CYCLE) % len(DASHES)]


def side_colour(side: int, better: int = -1) -> str:
    """The colour of a change that is shown to lie on this side of 0; 0 is undecided.

    >>> side_colour(1, better=1) == GREEN, side_colour(-1, better=0) == BLUE
    (True, True)
    """
    if side == 0:
        return GREY
    return BLUE if better == 0 else GREEN if side == better else ORANGE


def folded(label: str, most: int = 28, lines: int = 2) -> str:
    """A label on lines of at most `most` characters, broken at commas and blanks where possible.

    The block before a key in a cell's name goes: it takes room and tells nothing.

    >>> folded("optimizer.lr=0.1, regularizer=dropout", 16)
    'lr=0.1,\\nregularizer=dro…'
    >>> folded("short")
    'short'
    """
    parts: list[str] = []
    rest = _BLOCK.sub("", "".join(c if c.isprintable() else " " for c in label))
    while len(rest) > most and len(parts) < lines - 1:
        # A blank far to the left would leave a line of a word.
        at = rest.rfind(" ", most // 3, most + 1)
        parts.append(rest[: at if at > 0 else most].rstrip())
        rest = rest[at + 1 if at > 0 else most :]
    parts.append(rest if len(rest) <= most else rest[: most - 1] + "…")
    return "\n".join(parts)


def heading(figure: Figure, title: str) -> None:
    """The figure's title, to the left, folded to its width."""
    if title:
        characters = int(figure.get_figwidth() * 13)
        figure.suptitle(folded(title, characters, 3), x=0.01, ha="left", fontsize=10)


def legend_below(figure: Figure, handles: Sequence[Any], columns: int, note: str = "") -> None:
    """One legend for all panels, under them, where nothing is drawn over; the note on top of it."""
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=max(1, columns),
        handlelength=2.4,
        title=folded(note, int(figure.get_figwidth() * 14), 3) or None,
        title_fontsize=7.5,
        alignment="left",
    )


def tidy(axes: Axes, *, grid: Literal["x", "y", "both"] = "y") -> None:
    """Thin lines to read values by."""
    axes.grid(visible=True, axis=grid)
    axes.tick_params(length=3, width=0.6)
    for spine in axes.spines.values():
        spine.set_linewidth(0.6)


@contextmanager
def rows_canvas(
    title: str, labels: Sequence[str], xlabel: str, width: float, margin: float
) -> Iterator[tuple[Figure, Axes]]:
    """A chart with a named row for each label, the first on top; draw and render it inside."""
    names = [folded(label, 26 if width > NARROW else 18) for label in labels]
    lines = sum(1 + 0.45 * name.count("\n") for name in names)
    with canvas(width, 1.1 + 0.3 * bool(title) + 0.28 * max(lines, 2)) as figure:
        heading(figure, title)
        axes = figure.subplots()
        tidy(axes, grid="x")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.margins(x=margin)
        axes.set_xlabel(folded(xlabel, int(width * 9), 3))
        yield figure, axes
