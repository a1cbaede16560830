MODEL (
  name marts.repositories_v0,
  kind FULL,
  description 'Repositories of GitHub that projects have, as GitHub describes them now; one row per project that has it.',
  owner 'team:data',
  grain (artifact_id, project_id),
  audits (
    unique_combination_of_columns(columns := (artifact_id, project_id)),
    not_null(columns := (artifact_id, artifact_source_id, artifact_source, artifact_namespace, artifact_name, project_id))
  )
);

WITH repositories AS ( -- once, under its name now
  SELECT DISTINCT repo_id, artifact_id FROM intermediate.int_repository_names
)
SELECT
  CAST(pairs.artifact_id AS VARCHAR) AS artifact_id, -- Id of the repository as an artifact
  CAST(pairs.artifact_namespace || '/' || pairs.artifact_name AS VARCHAR) AS artifact_source_id, -- Name by which GitHub knows it: owner/name
  CAST(pairs.artifact_source AS VARCHAR) AS artifact_source, -- Always GITHUB
  CAST(pairs.artifact_namespace AS VARCHAR) AS artifact_namespace, -- Owner
  CAST(pairs.artifact_name AS VARCHAR) AS artifact_name, -- Name
  CAST('https://github.com/' || pairs.artifact_namespace || '/' || pairs.artifact_name AS VARCHAR) AS artifact_url, -- Address
  CAST(pairs.project_id AS VARCHAR) AS project_id, -- Project that has it
  CAST(facts.branch AS VARCHAR) AS branch, -- Default branch
  CAST(facts.created_at AS TIMESTAMP(6) WITH TIME ZONE) AS created_at, -- When it was created
  CAST(facts.updated_at AS TIMESTAMP(6) WITH TIME ZONE) AS updated_at, -- When its settings changed last
  CAST(facts.is_fork AS BOOLEAN) AS is_fork, -- Whether it is a fork
  CAST(facts.fork_count AS BIGINT) AS fork_count, -- Forks
  CAST(facts.star_count AS BIGINT) AS star_count, -- Stars
  CAST(facts.watcher_count AS BIGINT) AS watcher_count, -- Accounts that watch it; empty where GitHub was not asked for it alone
  CAST(facts.language AS VARCHAR) AS language, -- Main language
  CAST(facts.license_name AS VARCHAR) AS license_name, -- Licence, for people
  CAST(facts.license_spdx_id AS VARCHAR) AS license_spdx_id -- Licence, by its SPDX id
FROM intermediate.int_artifacts_by_project AS pairs
INNER JOIN repositories ON pairs.artifact_id = repositories.artifact_id
INNER JOIN staging.stg_github__repositories AS facts ON repositories.repo_id = facts.repo_id
