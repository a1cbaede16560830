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
), span AS (
  SELECT CAST(DATE_TRUNC('month', MIN(bucket_day)) AS DATE) AS first_month, MAX(as_of.day) AS last_day FROM intermediate.int_events_daily__github CROSS JOIN as_of
), months AS (
  SELECT CAST(LAST_DAY_OF_MONTH(CAST(listed.month AS DATE)) AS DATE) AS last_day
  FROM span
  CROSS JOIN UNNEST(SEQUENCE(span.first_month, span.last_day, INTERVAL '1' MONTH)) AS listed(month)
  WHERE span.first_month <= span.last_day
), window_ends AS (
  SELECT months.last_day, FALSE AS is_latest FROM months CROSS JOIN as_of WHERE months.last_day < as_of.day
  UNION ALL
  SELECT CAST(DATE_ADD('day', -1, day) AS DATE) AS last_day, TRUE AS is_latest FROM as_of
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, event_type, person, is_bot, amount))
), wide AS (
  @metric_values(github_activity, periods)
), long AS (
  @metric_rows(github_activity, wide)
), names AS (
  SELECT metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount, metric_source || '_' || metric || '_' || @metric_suffix(grain) AS metric_name
  FROM long
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM names
)
SELECT
  @metric_columns()
FROM named
