"""Tables of openml.org."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from regbench.config.blocks.files import Columns


class OpenMl(Columns):
    """A table of openml.org, by its number: fetched once, then read from scikit-learn's cache."""

    name: Literal["openml"]
    data_id: Annotated[int, Field(ge=1, lt=2**31)] = Field(
        description="the number in the address of its page, as fetch_openml takes it"
    )

    @property
    def origin(self) -> str:
        """Its number there."""
        return f"openml {self.data_id}"

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"dataset {self.origin}"
