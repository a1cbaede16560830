MODEL (
  name intermediate.int_metrics__usage,
  kind FULL,
  description 'Metrics of how what projects make is used and given to: downloads of packages, value, volume and fees of protocols by chain, donations, attestations.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    unique_combination_of_columns_non_blocking(columns := (metric_id, entity_type, entity_id, sample_date, is_latest)),
    not_null_non_blocking(columns := (metric_id, metric_name, entity_type, entity_id, grain, sample_date, amount))
  )
);

WITH as_of AS ( -- the first day that is not over
  SELECT CAST(@execution_ds AS DATE) AS day
), rows_of_entities AS (
  SELECT
    events.event_source AS metric_source, entities.entity_type, entities.entity_id, events.event_day AS bucket_day, events.event_type,
    SUM(events.amount) AS amount
  FROM intermediate.int_events__usage AS events
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
  GROUP BY events.event_source, entities.entity_type, entities.entity_id, events.event_day, events.event_type
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, event_type, amount))
), wide AS (
  @metric_values(usage, periods)
), long AS (
  @metric_rows(usage, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
