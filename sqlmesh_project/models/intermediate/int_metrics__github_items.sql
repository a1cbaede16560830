MODEL (
  name intermediate.int_metrics__github_items,
  kind FULL,
  description 'Metrics of how long issues and pull requests of GitHub wait. What bots opened is left out, and what nobody is known to have opened counts.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    unique_combination_of_columns(columns := (metric_id, entity_type, entity_id, sample_date, is_latest)),
    not_null(columns := (metric_id, metric_name, entity_type, entity_id, grain, sample_date, amount))
  )
);

WITH as_of AS ( -- the first day that is not over
  SELECT CAST(@execution_ds AS DATE) AS day
), events AS (
  SELECT
    events.event_type, events.event_source_id, events.event_day, events.time, events.to_artifact_id, events.number,
    COALESCE(accounts.person, CAST(events.from_actor_id AS VARCHAR)) AS person, COALESCE(accounts.is_bot, events.from_artifact_is_bot) AS is_bot
  FROM intermediate.int_events__github AS events
  LEFT JOIN intermediate.int_accounts__github AS accounts
    ON events.from_login = accounts.login AND COALESCE(events.from_actor_id, -1) = COALESCE(accounts.actor_id, -1)
  WHERE events.number IS NOT NULL
), ranked AS (
  SELECT event_type, event_day, time, to_artifact_id, number, person, is_bot,
    ROW_NUMBER() OVER (PARTITION BY event_type, to_artifact_id, number ORDER BY time, event_source_id) AS place
  FROM events
  WHERE event_type IN ('ISSUE_OPENED', 'PULL_REQUEST_OPENED')
), opened AS (
  SELECT event_type, time, to_artifact_id, number, person FROM ranked WHERE place = 1 AND NOT is_bot
), merged AS (
  SELECT opened.to_artifact_id, opened.number, MIN(opened.time) AS since, MIN(events.time) AS until
  FROM opened
  INNER JOIN events
    ON events.event_type = 'PULL_REQUEST_MERGED' AND opened.to_artifact_id = events.to_artifact_id AND opened.number = events.number AND events.time >= opened.time
  WHERE opened.event_type = 'PULL_REQUEST_OPENED'
  GROUP BY opened.to_artifact_id, opened.number
), answered AS (
  SELECT opened.event_type, opened.to_artifact_id, opened.number, MIN(opened.time) AS since, MIN(events.time) AS until
  FROM opened
  INNER JOIN events
    ON opened.to_artifact_id = events.to_artifact_id AND opened.number = events.number AND events.time >= opened.time
  WHERE events.event_type IN ('ISSUE_COMMENT', 'PULL_REQUEST_REVIEW', 'PULL_REQUEST_REVIEW_COMMENT')
    AND NOT events.is_bot AND events.person IS NOT NULL AND events.person <> COALESCE(opened.person, '')
  GROUP BY opened.event_type, opened.to_artifact_id, opened.number
), waits AS (
  SELECT to_artifact_id, 'merge' AS measure, since, until FROM merged
  UNION ALL
  SELECT to_artifact_id, 'response' AS measure, since, until FROM answered
), rows_of_entities AS (
  SELECT
    'GITHUB' AS metric_source, entities.entity_type, entities.entity_id, @utc_day(waits.until) AS bucket_day, waits.measure,
    (TO_UNIXTIME(waits.until) - TO_UNIXTIME(waits.since)) / 3600.0 AS hours
  FROM waits
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON waits.to_artifact_id = entities.artifact_id
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, measure, hours))
), placed AS (
  SELECT metric_source, entity_type, entity_id, grain, sample_date, is_latest, measure, hours,
    ROW_NUMBER() OVER (PARTITION BY entity_type, entity_id, grain, sample_date, is_latest, measure ORDER BY hours) AS place,
    COUNT(*) OVER (PARTITION BY entity_type, entity_id, grain, sample_date, is_latest, measure) AS places
  FROM periods
), wide AS (
  @metric_values(github_items, placed)
), long AS (
  @metric_rows(github_items, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
