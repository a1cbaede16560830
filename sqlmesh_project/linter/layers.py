"""Rules on the shape of the project: which layer a model belongs to, what it may read, how it is named.

Belongs here: rules about models among models. Rules about the SQL and the words of one model are in `columns`.
"""

from sqlglot import exp
from sqlmesh.core.linter.rule import Rule, RuleViolation
from sqlmesh.core.model import Model

RAW = "raw"
MAY_READ = {
    "staging": {RAW},
    "intermediate": {"staging", "intermediate"},
    "marts": {"staging", "intermediate"},
}
PREFIXES = {"staging": ("stg_", "seed_"), "intermediate": ("int_",), "marts": ("",)}


def layer_of(table: str) -> str:
    """The layer of a table's name: its schema when that is one of ours, else raw."""
    schema = exp.to_table(table).db
    return schema if schema in MAY_READ else RAW


class LayersGoDown(Rule):
    """Staging reads raw tables only; intermediate reads staging and intermediate; marts read these two, and no mart."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Name every table that the model may not read."""
        if model.kind.is_external:
            return None
        allowed = MAY_READ.get(layer_of(model.fqn), set())
        wrong = sorted(table for table in model.depends_on if layer_of(table) not in allowed)
        if not wrong:
            return None
        names = ", ".join(f"{exp.to_table(table).db}.{exp.to_table(table).name}" for table in wrong)
        return self.violation(f"{model.name} may read {' and '.join(sorted(allowed)) or 'nothing'}, and reads {names}")


class NamesStateLayer(Rule):
    """A model stands in staging (stg_ or seed_), intermediate (int_) or marts, in the folder of that name."""

    def check_model(self, model: Model) -> RuleViolation | None:
        """Compare schema, prefix and folder."""
        if model.kind.is_external:
            return None
        layer, name = layer_of(model.fqn), exp.to_table(model.fqn).name
        if layer == RAW:
            return self.violation(f"{model.name}: models live in {', '.join(MAY_READ)}")
        if not name.startswith(PREFIXES[layer]):
            return self.violation(f"{model.name}: a name in {layer} begins with {' or '.join(PREFIXES[layer])}")
        path = model._path  # noqa: SLF001  (the only place where a model keeps it)
        if path is not None and layer not in path.parts:
            return self.violation(f"{model.name} lies outside the folder {layer}")
        return None
