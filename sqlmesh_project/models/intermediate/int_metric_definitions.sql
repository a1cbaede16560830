MODEL (
  name intermediate.int_metric_definitions,
  kind FULL,
  description 'The registry of metrics, one row per metric and way to cut time.',
  owner 'team:data',
  grain (metric, grain),
  audits (
    unique_combination_of_columns(columns := (metric, grain)),
    not_null(columns := (metric, grain, suffix, display_name, description, unit, aggregation_function, relation, definition_source, sql_source_path, rendered_sql))
  )
);

WITH definitions AS (
  @metric_definitions()
)
SELECT
  CAST(metric AS VARCHAR) AS metric, -- Name of the metric, as its file is called
  CAST(grain AS VARCHAR) AS grain, -- How time is cut: a calendar period, all, or the days of a window
  CAST(suffix AS VARCHAR) AS suffix, -- What the published name ends with
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description, -- What is counted, and what is not
  CAST(unit AS VARCHAR) AS unit, -- Unit of the amount
  CAST(aggregation_function AS VARCHAR) AS aggregation_function, -- How rows become one value: sum, count_distinct, median, ratio
  CAST(relation AS VARCHAR) AS relation, -- Model that computes it: int_metrics__<relation>
  CAST(definition_source AS VARCHAR) AS definition_source, -- Who defined it
  CAST(sql_source_path AS VARCHAR) AS sql_source_path, -- File of the registry
  CAST(rendered_sql AS VARCHAR) AS rendered_sql -- Expression over the rows of an entity in a period
FROM definitions
