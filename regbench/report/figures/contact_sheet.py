"""Images of each class, a row a class, drawn pixel for pixel."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from io import BytesIO
from typing import Protocol

import numpy as np
import numpy.typing as npt

from regbench.errors import one_line

_POINTS = 72  # an inch
_NAMES = 84  # points for the names of the classes
_LEAST = 30  # points for an image, at least
_LONGEST = 13


class Sheet(Protocol):
    """Images side by side in one picture, see `regbench.data.contact_sheet`."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """(height, width) or (height, width, 3)."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the rows."""

    @property
    def side(self) -> tuple[int, int]:
        """(height, width) of an image."""


def contact_sheet_figure(sheet: Sheet, width: float) -> bytes:
    """As SVG with a PNG inside; so many images side by side as there is room for.

    Args:
        width: in inches.
    """
    from PIL import Image

    room = width * _POINTS - _NAMES
    high, wide = sheet.side
    across = max(1, min(sheet.pixels.shape[1] // wide, int(room // _LEAST)))
    cell = min(room / across, 2.0 * _LEAST)
    height = cell * high / wide
    content = BytesIO()
    Image.fromarray(sheet.pixels[:, : across * wide]).save(content, "PNG")
    total = height * len(sheet.classes)
    png = b64encode(content.getvalue()).decode()
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width * _POINTS:g} {total:g}">',
        f'<image x="{_NAMES}" y="0" width="{across * cell:g}" height="{total:g}" '
        'preserveAspectRatio="none" style="image-rendering: pixelated" '
        f'href="data:image/png;base64,{png}"/>',
    ]
    for row, name in enumerate(sheet.classes):
        text = one_line(name)
        text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
        lines.append(
            f'<text x="{_NAMES - 8}" y="{(row + 0.5) * height:g}" text-anchor="end" '
            'dominant-baseline="middle" font-size="10" font-family="sans-serif" '
            f'fill="currentColor">{escape(text)}</text>'
        )
    return "\n".join([*lines, "</svg>"]).encode()
