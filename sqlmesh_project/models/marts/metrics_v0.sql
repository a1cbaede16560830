MODEL (
  name marts.metrics_v0,
  kind FULL,
  description 'Metrics that are published, each with its definition.',
  owner 'team:data',
  grain metric_id,
  audits (
    unique_values(columns := (metric_id, metric_name)),
    not_null(columns := (metric_id, metric_source, metric_namespace, metric_name, display_name, description, aggregation_function, unit, sql_source_path, rendered_sql))
  )
);

WITH sources AS ( -- GitHub's metrics are there before anything happened; those of chains and funders come with the first
  SELECT DISTINCT metric, grain, metric_source FROM intermediate.int_metrics
  UNION
  SELECT metric, grain, 'GITHUB' AS metric_source FROM intermediate.int_metric_definitions WHERE relation LIKE 'github%'
), named AS (
  SELECT
    sources.metric_source || '_' || definitions.metric || '_' || definitions.suffix AS metric_name,
    definitions.display_name, definitions.description, definitions.aggregation_function, definitions.unit, definitions.sql_source_path, definitions.rendered_sql
  FROM intermediate.int_metric_definitions AS definitions
  INNER JOIN sources ON definitions.metric = sources.metric AND definitions.grain = sources.grain
)
SELECT
  CAST(@entity_id('OSO', 'oso', metric_name) AS VARCHAR) AS metric_id, -- Id of the metric: base64(sha256(source + namespace + name))
  CAST('OSO' AS VARCHAR) AS metric_source, -- Who publishes it
  CAST('oso' AS VARCHAR) AS metric_namespace, -- Namespace of the metric
  CAST(metric_name AS VARCHAR) AS metric_name, -- Name: <SOURCE>_<metric>_<how time is cut>
  CAST(display_name AS VARCHAR) AS display_name, -- Name for people
  CAST(description AS VARCHAR) AS description, -- What is counted, and what is not
  CAST(aggregation_function AS VARCHAR) AS aggregation_function, -- How rows become one value: sum, count_distinct, median, ratio
  CAST(unit AS VARCHAR) AS unit, -- Unit of the amount
  CAST(sql_source_path AS VARCHAR) AS sql_source_path, -- File that defines it
  CAST(rendered_sql AS VARCHAR) AS rendered_sql -- Expression over the rows of an entity in a period
FROM named
