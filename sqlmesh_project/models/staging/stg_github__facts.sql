MODEL (
  name staging.stg_github__facts,
  kind VIEW,
  description 'What GitHub itself has of issues, pull requests, releases and commits, as happenings: opened, closed, merged, published, committed. They fill what the feeds of events lack.',
  owner 'team:data',
  grain (event_type, fact_id),
  audits (
    unique_combination_of_columns(columns := (event_type, fact_id)),
    not_null(columns := (event_type, fact_id, event_day, repo_id, happened_at))
  )
);

WITH facts AS (
  SELECT 'ISSUE_OPENED' AS event_type, CAST(id AS VARCHAR) AS fact_id, repo_id, number, created_at AS happened_at, author_id AS actor_id, author_login AS actor_login, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until
  FROM github.issues
  UNION ALL
  SELECT 'ISSUE_CLOSED' AS event_type, CAST(id AS VARCHAR) AS fact_id, repo_id, number, closed_at AS happened_at, CAST(NULL AS BIGINT) AS actor_id, CAST(NULL AS VARCHAR) AS actor_login, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until
  FROM github.issues
  WHERE closed_at IS NOT NULL
  UNION ALL
  SELECT 'PULL_REQUEST_OPENED' AS event_type, CAST(id AS VARCHAR) AS fact_id, repo_id, number, created_at AS happened_at, author_id AS actor_id, author_login AS actor_login, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until
  FROM github.pull_requests
  UNION ALL
  SELECT 'PULL_REQUEST_CLOSED' AS event_type, CAST(id AS VARCHAR) AS fact_id, repo_id, number, closed_at AS happened_at, CAST(NULL AS BIGINT) AS actor_id, CAST(NULL AS VARCHAR) AS actor_login, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until
  FROM github.pull_requests
  WHERE closed_at IS NOT NULL AND merged_at IS NULL
  UNION ALL
  SELECT 'PULL_REQUEST_MERGED' AS event_type, CAST(id AS VARCHAR) AS fact_id, repo_id, number, merged_at AS happened_at, CAST(NULL AS BIGINT) AS actor_id, merged_by_login AS actor_login, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until
  FROM github.pull_requests
  WHERE merged_at IS NOT NULL
  UNION ALL
  SELECT 'RELEASE_PUBLISHED' AS event_type, CAST(id AS VARCHAR) AS fact_id, repo_id, CAST(NULL AS BIGINT) AS number, published_at AS happened_at, CAST(NULL AS BIGINT) AS actor_id, author_login AS actor_login, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until
  FROM github.releases
  WHERE published_at IS NOT NULL
  UNION ALL
  SELECT 'COMMIT_CODE' AS event_type, CAST(repo_id AS VARCHAR) || '/' || sha AS fact_id, repo_id, CAST(NULL AS BIGINT) AS number, committed_at AS happened_at, author_id AS actor_id, author_login AS actor_login, listed_until
  FROM github.commits
)
SELECT
  CAST(event_type AS VARCHAR) AS event_type, -- What happened, as a type of the universal event table
  CAST(fact_id AS VARCHAR) AS fact_id, -- GitHub's id of the issue, pull request or release; repository and hash of a commit
  CAST(@utc_day(happened_at) AS DATE) AS event_day, -- Day on which it happened, UTC
  CAST(repo_id AS BIGINT) AS repo_id, -- Id of the repository
  CAST(number AS BIGINT) AS number, -- Number of the issue or pull request in its repository
  CAST(happened_at AS TIMESTAMP(6) WITH TIME ZONE) AS happened_at, -- When it happened, UTC; of a closing, the last one
  CAST(actor_id AS BIGINT) AS actor_id, -- Id of the account that did it; empty where GitHub does not say
  CAST(LOWER(actor_login) AS VARCHAR) AS actor_login, -- Its login, in lower case; empty where GitHub does not say
  CAST(listed_until AS TIMESTAMP(6) WITH TIME ZONE) AS listed_until -- Of a commit: until when all of its repository are listed, as far as was known when GitHub was asked for it
FROM facts
