MODEL (
  name marts.timeseries_events_by_artifact_v0,
  kind VIEW,
  depends_on (intermediate.int_artifacts, staging.seed_event_types), -- the audits read them
  description 'Events of all sources in one form: what happened to which artifact, when, by whom and how much. Accounts of GitHub, callers on chains, givers and attesters are no artifacts of artifacts_v1.',
  owner 'team:data',
  grain (event_source, event_type, event_source_id, time),
  audits (
    unique_combination_of_columns(columns := (event_source, event_type, event_source_id, time)),
    not_null(columns := (time, event_type, event_source, event_source_id, amount)),
    refers_to(column := to_artifact_id, parent := intermediate.int_artifacts, parent_column := artifact_id),
    refers_to(column := event_type, parent := staging.seed_event_types, parent_column := event_type)
  )
);

WITH events AS (
  SELECT time, to_artifact_id, from_artifact_id, event_type, event_source, event_source_id, amount FROM intermediate.int_grant_events
  UNION ALL
  SELECT time, to_artifact_id, from_artifact_id, event_type, event_source, event_source_id, amount FROM intermediate.int_events__github
  UNION ALL
  SELECT time, to_artifact_id, from_artifact_id, event_type, event_source, event_source_id, amount FROM intermediate.int_events__onchain
  UNION ALL
  SELECT time, to_artifact_id, from_artifact_id, event_type, event_source, event_source_id, amount FROM intermediate.int_events__usage
)
SELECT
  CAST(time AS TIMESTAMP(6) WITH TIME ZONE) AS time, -- When it happened, UTC
  CAST(to_artifact_id AS VARCHAR) AS to_artifact_id, -- Artifact that it happened to; empty when not known
  CAST(from_artifact_id AS VARCHAR) AS from_artifact_id, -- Artifact that did it; empty when not known
  CAST(event_type AS VARCHAR) AS event_type, -- What happened: a type of event_types_v1
  CAST(event_source AS VARCHAR) AS event_source, -- Source that the event was read from
  CAST(event_source_id AS VARCHAR) AS event_source_id, -- Id of the event at its source
  CAST(amount AS DOUBLE) AS amount -- How much; its unit follows from the type
FROM events
