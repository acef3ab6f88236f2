"""Figures inside of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from regbench.report.figures.style import NARROW, WIDE


@dataclass(frozen=True)
class Picture:
    """A figure in two widths: the page shows the one that suits the screen."""

    wide: Markup
    narrow: Markup
    caption: str


def picture(
    name: str, alt: str, caption: str, draw: Callable[[float], bytes | None]
) -> Picture | None:
    """A figure at both widths; None where there is nothing to draw.

    Args:
        name: tells the figure's ids from all others' on the page.
        alt: what it shows, for those who do not see it.
    """
    wide, narrow = draw(WIDE), draw(NARROW)
    if wide is None or narrow is None:
        return None
    return Picture(
        inlined(wide, f"{name}-w-", alt, "wide"),
        inlined(narrow, f"{name}-n-", alt, "narrow"),
        caption,
    )


def inlined(svg: bytes, prefix: str, alt: str, name: str) -> Markup:
    """Our own SVG as part of a page: without a head, with ids of its own, the page's colours."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<style>svg\{.*?</style>", "", text, count=1)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'<(path|clipPath|pattern) id="', rf'<\1 id="{prefix}', text)
    text = re.sub(r'(<[^<>]*xlink:href="#)', rf"\1{prefix}", text)
    text = re.sub(r'(<[^<>]*clip-path="url\(#)', rf"\1{prefix}", text)
    text = re.sub(r'(<[^<>]*style="[^"<>]*fill: url\(#)', rf"\1{prefix}", text)
    start = Markup('<svg class="{}" role="img" aria-label="{}"').format(name, alt)
    return Markup(text.replace("<svg", str(start), 1))  # noqa: S704  (labels are escaped in SVG)
