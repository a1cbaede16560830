"""What holds of loads into DuckDB holds of loads into Iceberg: the same tests, on the other warehouse."""

from __future__ import annotations

from tests.warehouse.embedded.test_second_counts import *  # noqa: F403  (all of them, also those to come)
from tests.warehouse.embedded.test_warehouse import *  # noqa: F403  (all of them, also those to come)
from tests.warehouse.test_declared_columns import *  # noqa: F403  (all of them, also those to come)
from tests.warehouse.test_truth import *  # noqa: F403  (all of them, also those to come)
from tests.warehouse.test_value_rules import *  # noqa: F403  (all of them, also those to come)

# What is a DuckDB file's alone: its comments, its type JSON, its list of tables, its error before there is one.
for name in (
    "test_a_table_of_the_platform_is_replaced_whole_with_its_comments",
    "test_rows_land_with_declared_types_and_lists_stay_lists",
    "test_readers_see_neither_staging_nor_dlt_tables",
    "test_a_file_of_one_world_refuses_another",
    "test_reading_before_the_first_load_says_so",
    "test_declared_tables_exist_before_anything_was_loaded_with_their_comments",
    "test_a_column_that_is_declared_later_and_a_changed_description_reach_the_comments",
    "test_readers_find_a_column_that_was_declared_since_the_last_load",
):
    del globals()[name]
