MODEL (
  name intermediate.int_events_daily__github,
  kind FULL,
  depends_on (
    staging.stg_github__events, staging.stg_github__facts, staging.stg_github__stars, intermediate.int_repository_names
  ), -- the audits read them
  description 'Events of GitHub by day: how many and how much, per repository, account and type.',
  owner 'team:data',
  grain (bucket_day, to_artifact_id, from_artifact_id, from_person, event_type),
  audits (
    unique_combination_of_columns(columns := (bucket_day, to_artifact_id, from_artifact_id, from_person, event_type)),
    not_null(columns := (bucket_day, to_artifact_id, event_source, event_type, amount, count, from_artifact_is_bot)),
    github_days_are_current,
    sums_equal_events(of := intermediate.int_events__github, day := event_day),
    volume_in_band(of := intermediate.int_events__github, category := event_type, day := event_day),
    no_gap_by_day(of := intermediate.int_events__github, category := event_source, day := event_day)
  )
);

WITH events AS (
  SELECT
    events.event_day, events.to_artifact_id, events.from_artifact_id, events.event_source, events.event_type, events.amount,
    COALESCE(accounts.person, CAST(events.from_actor_id AS VARCHAR)) AS from_person,
    COALESCE(accounts.is_bot, events.from_artifact_is_bot) AS is_bot
  FROM intermediate.int_events__github AS events
  LEFT JOIN intermediate.int_accounts__github AS accounts
    ON events.from_login = accounts.login AND COALESCE(events.from_actor_id, -1) = COALESCE(accounts.actor_id, -1)
), daily AS (
  SELECT
    event_day, to_artifact_id, from_artifact_id, from_person, event_source, event_type,
    SUM(amount) AS amount, COUNT(*) AS events, MAX(CASE WHEN is_bot THEN 1 ELSE 0 END) AS is_bot
  FROM events
  GROUP BY event_day, to_artifact_id, from_artifact_id, from_person, event_source, event_type
)
SELECT
  CAST(event_day AS DATE) AS bucket_day, -- Day, UTC
  CAST(to_artifact_id AS VARCHAR) AS to_artifact_id, -- Repository
  CAST(from_artifact_id AS VARCHAR) AS from_artifact_id, -- Account, as an artifact; empty where it is not known
  CAST(event_source AS VARCHAR) AS event_source, -- Always GITHUB
  CAST(event_type AS VARCHAR) AS event_type, -- What happened
  CAST(amount AS DOUBLE) AS amount, -- How much: commits, stars; else as many as count
  CAST(events AS BIGINT) AS count, -- Events
  CAST(from_person AS VARCHAR) AS from_person, -- GitHub's id of the account, also where it was renamed; its login where no id is known
  CAST(is_bot = 1 AS BOOLEAN) AS from_artifact_is_bot -- Whether a program did it, as far as is known now
FROM daily
