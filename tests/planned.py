"""Plans as commands make them: of a study and of what its data hold now."""

from __future__ import annotations

from regbench.config.plan import Plan, Study, make_plan
from regbench.data import fingerprints

__all__ = ["planned"]


def planned(study: Study) -> Plan:
    """The plan of a study."""
    return make_plan(study, fingerprints(study))
