MODEL (
  name intermediate.int_metrics__funding,
  kind FULL,
  description 'Metrics of grants: what projects received, from all funders and from each.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    unique_combination_of_columns(columns := (metric_id, entity_type, entity_id, sample_date, is_latest)),
    not_null(columns := (metric_id, metric_name, entity_type, entity_id, grain, sample_date, amount))
  )
);

WITH as_of AS ( -- the first day that is not over
  SELECT CAST(@execution_ds AS DATE) AS day
), funders AS (
  SELECT artifact_id, UPPER(REGEXP_REPLACE(artifact_name, '[^A-Za-z0-9]+', '_')) AS metric_source
  FROM intermediate.int_artifacts
  WHERE artifact_source = 'OSS_FUNDING'
), grants AS (
  SELECT event_source AS metric_source, 'received' AS side, to_artifact_id, bucket_day, amount FROM intermediate.int_events_daily__funding
  UNION ALL
  SELECT funders.metric_source, 'awarded' AS side, events.to_artifact_id, events.bucket_day, events.amount
  FROM intermediate.int_events_daily__funding AS events
  INNER JOIN funders ON events.from_artifact_id = funders.artifact_id
), rows_of_entities AS (
  SELECT grants.metric_source, entities.entity_type, entities.entity_id, grants.bucket_day, grants.side, grants.amount
  FROM grants
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON grants.to_artifact_id = entities.artifact_id
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, side, amount))
), wide AS (
  @metric_values(funding, periods)
), long AS (
  @metric_rows(funding, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
