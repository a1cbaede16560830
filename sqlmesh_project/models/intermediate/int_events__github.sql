MODEL (
  name intermediate.int_events__github,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column (event_day, '%Y-%m-%d'),
    lookback 7
  ),
  start '2015-01-01',
  cron '@daily',
  partitioned_by (event_day, event_type),
  description 'Universal events in repositories of GitHub that projects name: feeds first, GitHub''s own facts where the feeds lack something. Commits are those of the default branch where and as long as they are listed; elsewhere a push counts for its commits, or as one where it does not say (since 2025-10-07). The last seven days are computed again each day.',
  owner 'team:data',
  grain (event_type, event_source_id, event_day),
  audits (
    unique_combination_of_columns(columns := (event_type, event_source_id, event_day)),
    not_null(columns := (time, event_day, to_artifact_id, event_type, event_source, event_source_id, amount, from_artifact_is_bot)),
    accepted_values(column := event_type, is_in := (
      'COMMIT_CODE', 'RELEASE_PUBLISHED', 'ISSUE_OPENED', 'ISSUE_CLOSED', 'ISSUE_REOPENED', 'ISSUE_COMMENT', 'PULL_REQUEST_OPENED',
      'PULL_REQUEST_CLOSED', 'PULL_REQUEST_REOPENED', 'PULL_REQUEST_MERGED', 'PULL_REQUEST_REVIEW', 'PULL_REQUEST_REVIEW_COMMENT',
      'STARRED', 'FORKED'
    ))
  )
);

WITH repositories AS (
  SELECT DISTINCT repo_id, artifact_id FROM intermediate.int_repository_names
), bots AS (
  SELECT login FROM staging.seed_bots
  UNION
  SELECT login FROM staging.stg_github__bots
), listed AS ( -- repositories whose commits are listed, from which day on and until when: later a push counts again
  SELECT repo_id, MIN(event_day) AS first_day, COALESCE(MAX(listed_until), MAX(happened_at)) AS last_moment
  FROM staging.stg_github__facts
  WHERE event_type = 'COMMIT_CODE'
  GROUP BY repo_id
), starred AS ( -- repositories whose stars are counted, until which day: what came after the last count is told by the feeds
  SELECT names.repo_id, MAX(stars.asked_on) AS last_day
  FROM staging.stg_github__stars AS stars
  INNER JOIN intermediate.int_repository_names AS names ON stars.repository = names.full_name
  GROUP BY names.repo_id
), near AS ( -- a day more at either end: an event and the fact that it tells of may lie on two sides of midnight
  SELECT
    events.event_id, events.event_day, events.created_at, events.actor_id, events.actor_login, events.repo_id, events.number, events.commit_count,
    events.release_id, repositories.artifact_id,
    CASE
      WHEN events.type = 'PushEvent' THEN 'COMMIT_CODE'
      WHEN events.type = 'IssuesEvent' AND events.action IN ('opened', 'closed', 'reopened') THEN 'ISSUE_' || UPPER(events.action)
      WHEN events.type = 'IssueCommentEvent' AND events.action = 'created' THEN 'ISSUE_COMMENT'
      WHEN events.type = 'PullRequestEvent' AND (events.action = 'merged' OR (events.action = 'closed' AND events.is_merged)) THEN 'PULL_REQUEST_MERGED'
      WHEN events.type = 'PullRequestEvent' AND events.action IN ('opened', 'closed', 'reopened') THEN 'PULL_REQUEST_' || UPPER(events.action)
      WHEN events.type = 'PullRequestReviewEvent' AND events.action IN ('created', 'submitted') THEN 'PULL_REQUEST_REVIEW'
      WHEN events.type = 'PullRequestReviewCommentEvent' AND events.action = 'created' THEN 'PULL_REQUEST_REVIEW_COMMENT'
      WHEN events.type = 'ReleaseEvent' AND events.action = 'published' THEN 'RELEASE_PUBLISHED'
      WHEN events.type = 'WatchEvent' THEN 'STARRED'
      WHEN events.type = 'ForkEvent' THEN 'FORKED'
    END AS event_type
  FROM staging.stg_github__events AS events
  INNER JOIN repositories ON events.repo_id = repositories.repo_id
  WHERE events.event_day BETWEEN CAST(DATE_ADD('day', -1, @start_date) AS DATE) AND CAST(DATE_ADD('day', 1, @end_date) AS DATE)
), facts AS (
  SELECT
    facts.event_type, facts.fact_id, facts.event_day, facts.happened_at, facts.actor_id, facts.actor_login, facts.repo_id, facts.number,
    repositories.artifact_id
  FROM staging.stg_github__facts AS facts
  INNER JOIN repositories ON facts.repo_id = repositories.repo_id
  WHERE facts.event_day BETWEEN CAST(DATE_ADD('day', -1, @start_date) AS DATE) AND CAST(DATE_ADD('day', 1, @end_date) AS DATE)
), mergings AS (
  SELECT repo_id, number, happened_at FROM facts WHERE event_type = 'PULL_REQUEST_MERGED'
), star_days AS ( -- once, also where a repository was asked for by two of its names
  SELECT names.repo_id, names.artifact_id, stars.event_day, MAX(stars.stars) AS stars
  FROM staging.stg_github__stars AS stars
  INNER JOIN intermediate.int_repository_names AS names ON stars.repository = names.full_name
  WHERE stars.stars > 0
  GROUP BY names.repo_id, names.artifact_id, stars.event_day
), told AS ( -- facts that an event of the feeds tells, within a minute
  SELECT DISTINCT facts.event_type, facts.fact_id
  FROM facts
  INNER JOIN near
    ON facts.event_type = near.event_type
    AND facts.repo_id = near.repo_id
    AND (
      facts.fact_id = CAST(near.release_id AS VARCHAR)
      OR (facts.number = near.number AND ABS(TO_UNIXTIME(facts.happened_at) - TO_UNIXTIME(near.created_at)) <= 60)
    )
), happenings AS (
  SELECT
    near.event_id AS event_source_id, near.created_at AS time, near.event_day, near.artifact_id, near.actor_id, near.actor_login, near.repo_id, near.number,
    near.event_type,
    CAST(CASE WHEN near.event_type = 'COMMIT_CODE' THEN COALESCE(near.commit_count, 1) ELSE 1 END AS DOUBLE) AS amount,
    'feed' AS told_by
  FROM near
  LEFT JOIN listed ON near.repo_id = listed.repo_id
  LEFT JOIN starred ON near.repo_id = starred.repo_id
  LEFT JOIN mergings -- a closing that does not say that it is a merge
    ON near.event_type = 'PULL_REQUEST_CLOSED'
    AND near.repo_id = mergings.repo_id
    AND near.number = mergings.number
    AND ABS(TO_UNIXTIME(mergings.happened_at) - TO_UNIXTIME(near.created_at)) <= 60
  WHERE near.event_type IS NOT NULL
    AND NOT (near.event_type = 'COMMIT_CODE' AND COALESCE(near.event_day >= listed.first_day AND near.created_at <= listed.last_moment, FALSE))
    AND mergings.number IS NULL
    AND NOT (near.event_type = 'STARRED' AND COALESCE(near.event_day <= starred.last_day, FALSE))
  UNION ALL
  SELECT
    facts.fact_id AS event_source_id, facts.happened_at AS time, facts.event_day, facts.artifact_id, facts.actor_id, facts.actor_login, facts.repo_id, facts.number,
    facts.event_type,
    CAST(1 AS DOUBLE) AS amount,
    'fact' AS told_by
  FROM facts
  LEFT JOIN told ON facts.event_type = told.event_type AND facts.fact_id = told.fact_id
  WHERE told.fact_id IS NULL
  UNION ALL
  SELECT
    CAST(star_days.repo_id AS VARCHAR) || '/' || CAST(star_days.event_day AS VARCHAR) AS event_source_id,
    CAST(FROM_ISO8601_TIMESTAMP(CAST(star_days.event_day AS VARCHAR) || 'T00:00:00Z') AS TIMESTAMP(6) WITH TIME ZONE) AS time,
    star_days.event_day, star_days.artifact_id, CAST(NULL AS BIGINT) AS actor_id, CAST(NULL AS VARCHAR) AS actor_login, star_days.repo_id, CAST(NULL AS BIGINT) AS number,
    'STARRED' AS event_type,
    CAST(star_days.stars AS DOUBLE) AS amount,
    'count' AS told_by
  FROM star_days
)
SELECT
  CAST(happenings.time AS TIMESTAMP(6) WITH TIME ZONE) AS time, -- When it happened, UTC; a day's count of stars stands at its midnight
  CAST(happenings.event_day AS DATE) AS event_day, -- Day on which it happened, UTC
  CAST(happenings.artifact_id AS VARCHAR) AS to_artifact_id, -- Repository that it happened in
  CAST(@entity_id('GITHUB', happenings.actor_login, happenings.actor_login) AS VARCHAR) AS from_artifact_id, -- Account that did it, as an artifact; empty where it is not known
  CAST(happenings.event_type AS VARCHAR) AS event_type, -- What happened
  CAST('GITHUB' AS VARCHAR) AS event_source, -- Always GITHUB
  CAST(happenings.event_source_id AS VARCHAR) AS event_source_id, -- Id of the event, or of the fact that GitHub has of it
  CAST(happenings.amount AS DOUBLE) AS amount, -- How many: commits of a push, stars of a day; else 1
  CAST(happenings.actor_login AS VARCHAR) AS from_login, -- Login of the account, in lower case
  CAST(happenings.actor_id AS BIGINT) AS from_actor_id, -- GitHub's id of the account, which it keeps when it is renamed; empty where it is not known
  CAST(COALESCE(happenings.actor_login LIKE '%[bot]' OR bots.login IS NOT NULL, FALSE) AS BOOLEAN) AS from_artifact_is_bot, -- Whether a program did it: by its name, by GitHub, or by seeds/bots.csv
  CAST(happenings.repo_id AS BIGINT) AS repo_id, -- GitHub's id of the repository
  CAST(happenings.number AS BIGINT) AS number, -- Number of the issue or pull request in its repository
  CAST(happenings.told_by AS VARCHAR) AS told_by -- feed (an event), fact (what GitHub has of it) or count (stars of a day)
FROM happenings
LEFT JOIN bots ON happenings.actor_login = bots.login
WHERE happenings.event_day BETWEEN @start_date AND @end_date
