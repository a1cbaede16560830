MODEL (
  name intermediate.int_events_daily__funding,
  kind FULL,
  depends_on (intermediate.int_artifacts), -- the audits read them
  description 'Grants by day, per receiver and funder.',
  owner 'team:data',
  grain (bucket_day, to_artifact_id, from_artifact_id, event_source, event_type),
  audits (
    unique_combination_of_columns(columns := (bucket_day, to_artifact_id, from_artifact_id, event_source, event_type)),
    not_null(columns := (bucket_day, from_artifact_id, event_source, event_type, amount, count)),
    refers_to(column := from_artifact_id, parent := intermediate.int_artifacts, parent_column := artifact_id),
    sums_equal_events(of := intermediate.int_grant_events, day := @utc_day(time))
  )
);

WITH events AS (
  SELECT @utc_day(time) AS event_day, to_artifact_id, from_artifact_id, event_source, event_type, amount
  FROM intermediate.int_grant_events
)
SELECT
  CAST(event_day AS DATE) AS bucket_day, -- Day, UTC
  CAST(to_artifact_id AS VARCHAR) AS to_artifact_id, -- Project that received it, as an artifact; empty where OSS Funding knows none
  CAST(from_artifact_id AS VARCHAR) AS from_artifact_id, -- Funder, as an artifact
  CAST(event_source AS VARCHAR) AS event_source, -- Source that the grant was read from
  CAST(event_type AS VARCHAR) AS event_type, -- What happened
  CAST(SUM(amount) AS DOUBLE) AS amount, -- How much: US dollars at the time of the grant
  CAST(COUNT(*) AS BIGINT) AS count -- Events
FROM events
GROUP BY event_day, to_artifact_id, from_artifact_id, event_source, event_type
