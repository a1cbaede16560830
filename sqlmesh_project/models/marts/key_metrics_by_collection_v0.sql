MODEL (
  name marts.key_metrics_by_collection_v0,
  kind VIEW,
  description 'The newest value of each metric of each collection: of the newest period with a value, of the window that ends with the last day that is over, or of all time.',
  owner 'team:data',
  grain (metric_id, collection_id),
  audits (
    unique_combination_of_columns(columns := (metric_id, collection_id)),
    not_null(columns := (metric_id, collection_id, sample_date, amount, unit))
  )
);

SELECT
  CAST(metric_id AS VARCHAR) AS metric_id, -- Id of the metric, in metrics_v0
  CAST(entity_id AS VARCHAR) AS collection_id, -- Id of the collection
  CAST(sample_date AS DATE) AS sample_date, -- First day of a calendar period; last day of a window, and of all time
  CAST(amount AS DOUBLE) AS amount, -- Value, in the unit
  CAST(unit AS VARCHAR) AS unit -- Unit of the amount
FROM intermediate.int_key_metrics
WHERE entity_type = 'collection'
