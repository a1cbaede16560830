MODEL (
  name marts.timeseries_metrics_by_project_v0,
  kind VIEW,
  description 'Metrics of projects over time: calendar periods that are over, all time, and windows that end with a month. What did not happen has no row.',
  owner 'team:data',
  grain (metric_id, project_id, sample_date),
  audits (
    unique_combination_of_columns(columns := (metric_id, project_id, sample_date)),
    not_null(columns := (metric_id, project_id, sample_date, amount, unit))
  )
);

SELECT
  CAST(metrics.metric_id AS VARCHAR) AS metric_id, -- Id of the metric, in metrics_v0
  CAST(metrics.entity_id AS VARCHAR) AS project_id, -- Id of the project
  CAST(metrics.sample_date AS DATE) AS sample_date, -- First day of a calendar period; last day of a window, and of all time
  CAST(metrics.amount AS DOUBLE) AS amount, -- Value, in the unit
  CAST(definitions.unit AS VARCHAR) AS unit -- Unit of the amount
FROM intermediate.int_metrics AS metrics
INNER JOIN intermediate.int_metric_definitions AS definitions ON metrics.metric = definitions.metric AND metrics.grain = definitions.grain
WHERE metrics.entity_type = 'project' AND NOT metrics.is_latest
