MODEL (
  name intermediate.int_metrics__github_activity,
  kind CUSTOM (materialization 'samples', materialization_properties ('computed_each_time' = TRUE)),
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
), facts AS (
  SELECT
    'GITHUB' AS metric_source, to_artifact_id, bucket_day, event_type, from_person AS person, from_artifact_is_bot AS is_bot, amount
  FROM intermediate.int_events_daily__github
), stored_marks AS (
  SELECT own.entity_type, own.entity_id, own.sample_date AS month, own.metric AS mark FROM intermediate.int_metrics__github_activity AS own WHERE own.grain = 'mark'
), stored_all AS (
  SELECT own.metric_id, own.metric_name, own.metric_source, own.metric, own.entity_type, own.entity_id, own.grain, own.sample_date, own.amount
  FROM intermediate.int_metrics__github_activity AS own
  WHERE own.grain = 'all'
), marks AS (
  @entity_marks(facts, (metric_source, bucket_day, event_type, person, is_bot, amount))
), since AS (
  @samples_since(marks)
), rows_of_entities AS (
  SELECT
    facts.metric_source, entities.entity_type, entities.entity_id, facts.bucket_day, facts.event_type, facts.person, facts.is_bot, facts.amount,
    since.since, since.is_changed
  FROM facts
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON facts.to_artifact_id = entities.artifact_id
  INNER JOIN since ON entities.entity_type = since.entity_type AND entities.entity_id = since.entity_id AND facts.bucket_day >= since.read_from
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, event_type, person, is_bot, amount), since)
), wide AS (
  @metric_values(github_activity, periods)
), long AS (
  @metric_rows(github_activity, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
), written AS (
  @with_state(named, marks, since)
)
SELECT
  @metric_columns()
FROM written
