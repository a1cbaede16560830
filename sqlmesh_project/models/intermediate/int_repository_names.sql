MODEL (
  name intermediate.int_repository_names,
  kind FULL,
  description 'Every name under which a repository of GitHub is known (its name now and those it was asked for by), and the artifact that it is. A renamed repository is one artifact: named as the directory names it, or as it is called now. One that was deleted, and whose names are those of another now, keeps its history as an artifact of its own, owner/name#id.',
  owner 'team:data',
  grain full_name,
  audits (unique_values(columns := full_name), not_null(columns := (full_name, artifact_id, artifact_namespace, artifact_name)))
);

WITH names AS (
  SELECT repo_id, owner || '/' || name AS full_name, TRUE AS is_current, status = 'gone' AS is_gone, checked_at
  FROM staging.stg_github__repositories
  WHERE repo_id IS NOT NULL
  UNION ALL
  SELECT repositories.repo_id, asked.full_name, FALSE AS is_current, repositories.status = 'gone' AS is_gone, repositories.checked_at
  FROM staging.stg_github__repositories AS repositories
  CROSS JOIN UNNEST(repositories.requested_names) AS asked(full_name)
  WHERE repositories.repo_id IS NOT NULL
), owners AS ( -- a name that passed from one repository to another is that of the one that bears it now: of two rows, what GitHub said last
  SELECT
    repo_id,
    full_name,
    is_current,
    ROW_NUMBER() OVER (
      PARTITION BY full_name
      ORDER BY CASE WHEN is_gone THEN 1 ELSE 0 END, CASE WHEN is_current THEN 0 ELSE 1 END, checked_at DESC, repo_id DESC
    ) AS place
  FROM names
), claimed AS (
  SELECT DISTINCT artifact_namespace || '/' || artifact_name AS full_name
  FROM intermediate.int_claimed_artifacts
  WHERE artifact_source = 'GITHUB'
), ranked AS (
  SELECT
    owners.repo_id,
    owners.full_name,
    ROW_NUMBER() OVER (
      PARTITION BY owners.repo_id
      ORDER BY CASE WHEN claimed.full_name IS NULL THEN 1 ELSE 0 END, CASE WHEN owners.is_current THEN 0 ELSE 1 END, owners.full_name
    ) AS place
  FROM owners
  LEFT JOIN claimed ON owners.full_name = claimed.full_name
  WHERE owners.place = 1
), chosen AS (
  SELECT repo_id, full_name FROM ranked WHERE place = 1
), identified AS (
  SELECT
    ranked.repo_id,
    ranked.full_name,
    SPLIT_PART(chosen.full_name, '/', 1) AS artifact_namespace,
    NULLIF(SPLIT_PART(chosen.full_name, '/', 2), '') AS artifact_name
  FROM ranked
  INNER JOIN chosen ON ranked.repo_id = chosen.repo_id
  UNION ALL -- former: deleted, and made again under the same name
  SELECT
    owners.repo_id,
    owners.full_name || '#' || CAST(owners.repo_id AS VARCHAR) AS full_name,
    SPLIT_PART(owners.full_name, '/', 1) AS artifact_namespace,
    NULLIF(SPLIT_PART(owners.full_name, '/', 2), '') || '#' || CAST(owners.repo_id AS VARCHAR) AS artifact_name
  FROM owners
  LEFT JOIN chosen ON owners.repo_id = chosen.repo_id
  WHERE owners.is_current AND chosen.repo_id IS NULL
)
SELECT
  CAST(full_name AS VARCHAR) AS full_name, -- owner/name in lower case; owner/name#id of a repository whose name is that of another now
  CAST(repo_id AS BIGINT) AS repo_id, -- GitHub's id of the repository
  CAST(@entity_id('GITHUB', artifact_namespace, artifact_name) AS VARCHAR) AS artifact_id, -- Id of its artifact
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Owner by which the artifact is named
  CAST(artifact_name AS VARCHAR) AS artifact_name -- Name by which the artifact is named
FROM identified
