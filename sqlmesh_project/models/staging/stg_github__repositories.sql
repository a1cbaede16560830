MODEL (
  name staging.stg_github__repositories,
  kind VIEW,
  description 'Repositories as GitHub has them now. One that is gone keeps what was known of it last.',
  owner 'team:data',
  grain repository_key,
  audits (unique_values(columns := repository_key), not_null(columns := (repository_key, owner, name, status)))
);

SELECT
  CAST(key AS VARCHAR) AS repository_key, -- GitHub's id as text; name:owner/name where GitHub knows no such repository
  CAST(id AS BIGINT) AS repo_id, -- GitHub's id, which a repository keeps when it is renamed; empty where it was never found
  CAST(LOWER(owner) AS VARCHAR) AS owner, -- Owner, in lower case
  CAST(LOWER(name) AS VARCHAR) AS name, -- Name, in lower case; * where a whole owner was not found
  CAST(requested_names AS ARRAY(VARCHAR)) AS requested_names, -- owner/name in lower case, under which it was asked for or listed
  CAST(status AS VARCHAR) AS status, -- found, renamed or gone
  CAST(branch AS VARCHAR) AS branch, -- Default branch
  CAST(is_fork AS BOOLEAN) AS is_fork, -- Whether it is a fork
  CAST(fork_count AS BIGINT) AS fork_count, -- Forks
  CAST(star_count AS BIGINT) AS star_count, -- Stars
  CAST(watcher_count AS BIGINT) AS watcher_count, -- Accounts that watch it; empty where it came with the listing of its owner
  CAST(language AS VARCHAR) AS language, -- Main language
  CAST(license_name AS VARCHAR) AS license_name, -- Licence, for people
  CAST(license_spdx_id AS VARCHAR) AS license_spdx_id, -- Licence, by its SPDX id
  CAST(created_at AS TIMESTAMP(6) WITH TIME ZONE) AS created_at, -- When it was created
  CAST(updated_at AS TIMESTAMP(6) WITH TIME ZONE) AS updated_at, -- When its settings changed last
  CAST(checked_at AS TIMESTAMP(6) WITH TIME ZONE) AS checked_at -- When GitHub last said something new of it
FROM github.repositories
