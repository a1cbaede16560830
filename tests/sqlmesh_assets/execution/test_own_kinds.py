"""A kind of the project's own that is computed each time goes on from its rows: what SQLMesh tells it of a first insert."""

from __future__ import annotations

import pytest

from tests.sqlmesh_assets.playground import Playground

KIND = """
from sqlmesh import CustomMaterialization

class Grows(CustomMaterialization):
    NAME = "grows"

    def insert(self, table_name, query_or_df, model, is_first_insert, render_kwargs, **kwargs):
        if is_first_insert:
            self.adapter.delete_from(table_name, "true")
        self.adapter.insert_append(table_name, query_or_df)
"""
MODEL = """
MODEL (name marts.grown, kind CUSTOM (materialization 'grows', materialization_properties ('computed_each_time' = TRUE)));
SELECT CAST(COUNT(*) AS BIGINT) AS n FROM marts.grown
"""


@pytest.mark.slow
def test_a_model_that_is_computed_each_time_keeps_its_rows(playground: Playground) -> None:
    folder = playground.root / "project"
    (folder / "materializations").mkdir()
    (folder / "materializations" / "grows.py").write_text(KIND)
    (folder / "models" / "marts.grown.sql").write_text(MODEL)
    for computed in range(3):
        assert playground.materialize().success
        assert playground.sql("SELECT n FROM marts.grown ORDER BY n") == [(n,) for n in range(computed + 1)]
    assert playground.materialize("marts.grown").success
    assert len(playground.sql("SELECT n FROM marts.grown")) == 4
