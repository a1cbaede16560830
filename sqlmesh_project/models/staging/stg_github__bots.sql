MODEL (
  name staging.stg_github__bots,
  kind VIEW,
  description 'Accounts that GitHub itself calls a bot, by what they opened.',
  owner 'team:data',
  grain login,
  audits (unique_values(columns := login), not_null(columns := login))
);

WITH authors AS (
  SELECT author_login FROM github.issues WHERE author_type = 'Bot'
  UNION ALL
  SELECT author_login FROM github.pull_requests WHERE author_type = 'Bot'
)
SELECT DISTINCT CAST(LOWER(author_login) AS VARCHAR) AS login -- Login of the account, in lower case
FROM authors
WHERE author_login IS NOT NULL
