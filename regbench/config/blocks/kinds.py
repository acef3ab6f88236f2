"""Types that several blocks share: numbers within bounds, one for every layer or one a layer."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# Finite everywhere: NaN and infinity are never a setting.
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

Rate = Annotated[float, Field(ge=0, lt=1)]

Share = Annotated[float, Field(ge=0, le=1)]

Seed = Annotated[int, Field(ge=0, lt=2**63)]

# Bounds far above what anyone trains: a slip of the keyboard is refused here, rather than by a
# number that does not fit somewhere below.
Rows = Annotated[int, Field(ge=1, le=100_000_000)]

Count = Annotated[int, Field(ge=1, le=1_000_000)]

CountOrZero = Annotated[int, Field(ge=0, le=1_000_000)]

# A part of the data: a fraction is a share of all rows, an integer a count, 0 none.
PartSize = Annotated[int, Field(ge=0, le=100_000_000)] | Annotated[float, Field(ge=0, lt=1)]

Widths = Annotated[tuple[Count, ...], Field(strict=False, min_length=1, max_length=1000)]

# One number for every layer, or a list with one a layer.
Strengths = NonNegative | Annotated[tuple[NonNegative, ...], Field(strict=False, min_length=1)]

Rates = Rate | Annotated[tuple[Rate, ...], Field(strict=False, min_length=1)]

Norms = Positive | Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)]


class Block(BaseModel):
    """A mapping in a study: unknown keys are refused, types are not converted, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    # Keys that say where something lies: of what lies there the content counts, not the place.
    places: ClassVar[tuple[str, ...]] = ()

    @property
    def inapplicable(self) -> frozenset[str]:
        """Keys that another key of the block rules out."""
        return frozenset()

    def plain_values(self) -> dict[str, Any]:
        """Plain values, the same for blocks that ask for the same."""
        return self.model_dump(mode="json")


def named(value: Any) -> Any:
    """A bare word stands for a block of that name."""
    return {"name": value} if isinstance(value, str) else value


def default_name(name: str) -> BeforeValidator:
    """As `named`; a mapping without a name is of the default kind."""

    def with_name(value: Any) -> Any:
        value = named(value)
        return {"name": name, **value} if isinstance(value, dict) else value

    return BeforeValidator(with_name)


def switch(value: Any) -> Any:
    """True stands for a block of defaults, false for none."""
    if isinstance(value, bool):
        return {} if value else None
    return value
