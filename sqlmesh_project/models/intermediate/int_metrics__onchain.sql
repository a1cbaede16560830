MODEL (
  name intermediate.int_metrics__onchain,
  kind FULL,
  description 'Metrics of the contracts and wallets that projects name, by chain.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    unique_combination_of_columns(columns := (metric_id, entity_type, entity_id, sample_date, is_latest)),
    not_null(columns := (metric_id, metric_name, entity_type, entity_id, grain, sample_date, amount))
  )
);

WITH as_of AS ( -- the first day that is not over
  SELECT CAST(@execution_ds AS DATE) AS day
), rows_of_entities AS (
  SELECT
    events.event_source AS metric_source, entities.entity_type, entities.entity_id, events.bucket_day, events.event_type, events.to_artifact_id,
    events.from_artifact_id, events.amount
  FROM intermediate.int_events_daily__onchain AS events
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, event_type, to_artifact_id, from_artifact_id, amount))
), wide AS (
  @metric_values(onchain, periods)
), long AS (
  @metric_rows(onchain, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
