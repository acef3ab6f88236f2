"""What all pages have in common: one file with its style and script, all texts escaped."""

from __future__ import annotations

from base64 import b64encode


def framed(template: str, **facts: object) -> bytes:
    """A page of its template, which fills `frame.html.j2`, in UTF-8."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("regbench.report", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A path may hold bytes that are no text.
    return environment.get_template(template).render(**facts).encode(errors="replace")


def data_url(kind: str, content: bytes) -> str:
    """A file inside of the page, to download."""
    return f"data:{kind};base64,{b64encode(content).decode()}"
