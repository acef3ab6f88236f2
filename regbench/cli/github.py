"""Messages for GitHub's runner."""

from __future__ import annotations

from regbench.errors import one_line


def annotation(message: str, **properties: object) -> str:
    """A workflow command that shows an error, escaped as the runner asks.

    >>> annotation("val_loss:5% failed\\nin l2", title="regbench compare")
    '::error title=regbench compare::val_loss:5%25 failed%0Ain l2'
    >>> annotation("unknown key", file="a,b:c.yaml", line=3, col=None)
    '::error file=a%2Cb%3Ac.yaml,line=3::unknown key'
    """
    parts = [
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
        if value not in (None, "")
    ]
    return f"::error {','.join(parts)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return one_line(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))
