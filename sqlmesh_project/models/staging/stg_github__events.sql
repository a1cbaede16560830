MODEL (
  name staging.stg_github__events,
  kind VIEW,
  description 'Events of GitHub, each once: those of GH Archive and those of the feeds of single repositories are united by event id. Of an event that both have, the feed of the repository is taken.',
  owner 'team:data',
  grain (event_id, event_day),
  audits (
    not_null(columns := (event_id, event_day, type, repo_id, created_at))
  )
);

WITH feeds AS (
  SELECT
    id, type, action, actor_id, actor_login, repo_id, repo_name, created_at, number, push_distinct_size, push_regime,
    issue_author_login, pull_request_author_login, pull_request_is_merged, release_id, 1 AS precedence
  FROM github.repository_events
  UNION ALL
  SELECT
    id, type, action, actor_id, actor_login, repo_id, repo_name, created_at, number, push_distinct_size, push_regime,
    issue_author_login, pull_request_author_login, pull_request_is_merged, release_id, 2 AS precedence
  FROM github.events
), days AS (
  SELECT
    id, @utc_day(created_at) AS event_day, type, action, actor_id, actor_login, repo_id, repo_name, created_at, number,
    push_distinct_size, push_regime, issue_author_login, pull_request_author_login, pull_request_is_merged, release_id, precedence
  FROM feeds
), ranked AS (
  SELECT
    id, event_day, type, action, actor_id, actor_login, repo_id, repo_name, created_at, number,
    push_distinct_size, push_regime, issue_author_login, pull_request_author_login, pull_request_is_merged, release_id,
    ROW_NUMBER() OVER (PARTITION BY id, event_day ORDER BY precedence, created_at) AS place
  FROM days
)
SELECT
  CAST(id AS VARCHAR) AS event_id, -- GitHub's id of the event; since August 2026 ids repeat those of 2020, so that the day belongs to it
  CAST(event_day AS DATE) AS event_day, -- Day of the event, UTC
  CAST(type AS VARCHAR) AS type, -- Type, as GitHub names it: PushEvent, IssuesEvent …
  CAST(action AS VARCHAR) AS action, -- What was done: opened, closed, reopened, merged, created …
  CAST(actor_id AS BIGINT) AS actor_id, -- Id of the account that did it
  CAST(LOWER(actor_login) AS VARCHAR) AS actor_login, -- Its login then, in lower case
  CAST(repo_id AS BIGINT) AS repo_id, -- Id of the repository, which it keeps when it is renamed
  CAST(LOWER(repo_name) AS VARCHAR) AS repo_name, -- Its owner/name then, in lower case
  CAST(created_at AS TIMESTAMP(6) WITH TIME ZONE) AS created_at, -- When it happened, UTC
  CAST(number AS BIGINT) AS number, -- Number of the issue or pull request in its repository
  CAST(push_distinct_size AS BIGINT) AS commit_count, -- New commits of a push; empty since 2025-10-07, when the feed stopped saying so
  CAST(push_regime AS VARCHAR) AS push_regime, -- with_commits or head_only; empty for what is no push
  CAST(LOWER(COALESCE(pull_request_author_login, issue_author_login)) AS VARCHAR) AS item_author_login, -- Who opened the issue or pull request; empty where the event does not say
  CAST(pull_request_is_merged AS BOOLEAN) AS is_merged, -- Whether the pull request is merged; empty where the event does not say
  CAST(release_id AS BIGINT) AS release_id -- Id of the release
FROM ranked
WHERE place = 1
