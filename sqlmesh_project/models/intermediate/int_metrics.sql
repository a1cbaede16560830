MODEL (
  name intermediate.int_metrics,
  kind VIEW,
  description 'Metrics of all relations.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    not_null(columns := (metric_id, entity_type, entity_id, sample_date, amount))
  )
);

WITH named AS (
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__github_activity
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__github_people
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__github_items
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__onchain
  UNION ALL
  SELECT metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount FROM intermediate.int_metrics__funding
)
SELECT
  @metric_columns()
FROM named
