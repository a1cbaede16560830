MODEL (
  name intermediate.int_metrics__github_activity,
  kind FULL,
  description 'Metrics of what happens in repositories of GitHub, and of how many people take part.',
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
    'GITHUB' AS metric_source, entities.entity_type, entities.entity_id, events.bucket_day, events.event_type, events.from_person AS person,
    events.from_artifact_is_bot AS is_bot, events.amount
  FROM intermediate.int_events_daily__github AS events
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, event_type, person, is_bot, amount))
), wide AS (
  @metric_values(github_activity, periods)
), long AS (
  @metric_rows(github_activity, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
