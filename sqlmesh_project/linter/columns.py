"""Rules on one model: what it must say of itself, and SQL that would go wrong on one of the two engines.

Belongs here: rules that look at a single model. Rules about models among models are in `layers`.
"""

import re

from sqlglot import exp
from sqlmesh.core.linter.rule import Rule, RuleViolation
from sqlmesh.core.model import Model, SqlModel

TIMESTAMPS = (
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPTZ,
    exp.DataType.Type.TIMESTAMPNTZ,
    exp.DataType.Type.TIMESTAMPLTZ,
)
OWNER = re.compile(r"(team:[A-Za-z0-9_.-]+|[^@\s]+@[^@\s]+\.[^@\s]+)\Z")


class OwnerNamed(Rule):
    """Every model has an owner, team:<name> or an e-mail address."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Look at the owner."""
        if model.kind.is_external or OWNER.match(model.owner or ""):
            return None
        return self.violation(f"{model.name}: owner {model.owner!r} is neither team:<name> nor an e-mail address")


class DescriptionAndGrain(Rule):
    """Every model says what its rows are (description) and what identifies one (grain)."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Look at description and grain."""
        if model.kind.is_external:
            return None
        missing = [word for word, there in (("description", model.description), ("grain", model.grains)) if not there]
        return self.violation(f"{model.name}: no {' and no '.join(missing)}") if missing else None


class EveryColumnDescribed(Rule):
    """Every column of every model has a comment."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Name the columns without a comment."""
        if model.kind.is_external:
            return None
        bare = [column for column in model.columns_to_types_or_raise if not model.column_descriptions.get(column)]
        return self.violation(f"{model.name}: columns without a comment: {', '.join(bare)}") if bare else None


class NoStarAnywhere(Rule):
    """No SELECT *, also not in a CTE or a subquery: a new raw column must not slip through."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Look for a star among the projections of any SELECT."""
        if not isinstance(model, SqlModel):
            return None
        stars = [select for select in model.query.find_all(exp.Select) if select.is_star]
        return self.violation(f"{model.name}: SELECT * in {len(stars)} place(s)") if stars else None


class TimestampsStatePrecision(Rule):
    """TIMESTAMP without a precision is TIMESTAMP(3) on Trino, which rounds 23:59:59.999999 up to the next day."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Look for a timestamp type without a precision."""
        if not isinstance(model, SqlModel):
            return None
        bare = [kind for kind in model.query.find_all(exp.DataType) if kind.this in TIMESTAMPS and not kind.expressions]
        return self.violation(f"{model.name}: write TIMESTAMP(6), not {bare[0].sql('trino')}") if bare else None
