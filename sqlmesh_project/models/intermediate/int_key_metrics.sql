MODEL (
  name intermediate.int_key_metrics,
  kind FULL,
  description 'The newest value of each metric of each entity: of the newest period with a value, of the window that ends with the last day that is over, or of all time.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id),
  audits (
    unique_combination_of_columns(columns := (metric_id, entity_type, entity_id)),
    not_null(columns := (metric_id, entity_type, entity_id, sample_date, amount, unit))
  )
);

WITH ranked AS (
  SELECT metrics.metric_id, metrics.entity_type, metrics.entity_id, metrics.sample_date, metrics.amount, definitions.unit,
    ROW_NUMBER() OVER (PARTITION BY metrics.metric_id, metrics.entity_type, metrics.entity_id ORDER BY metrics.sample_date DESC) AS place
  FROM intermediate.int_metrics AS metrics
  INNER JOIN intermediate.int_metric_definitions AS definitions ON metrics.metric = definitions.metric AND metrics.grain = definitions.grain
  WHERE metrics.is_latest OR metrics.grain NOT IN ('28', '90', '180')
)
SELECT
  CAST(metric_id AS VARCHAR) AS metric_id, -- Id of the metric
  CAST(entity_type AS VARCHAR) AS entity_type, -- artifact, project or collection
  CAST(entity_id AS VARCHAR) AS entity_id, -- Id of the entity
  CAST(sample_date AS DATE) AS sample_date, -- First day of a calendar period; last day of a window, and of all time
  CAST(amount AS DOUBLE) AS amount, -- Value, in the unit
  CAST(unit AS VARCHAR) AS unit -- Unit of the amount
FROM ranked
WHERE place = 1
