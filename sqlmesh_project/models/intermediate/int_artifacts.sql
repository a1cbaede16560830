MODEL (
  name intermediate.int_artifacts,
  kind FULL,
  description 'Everything that can do or receive something: repositories, packages, accounts, addresses, the two sides of grants, and projects that were rewarded.',
  owner 'team:data',
  grain artifact_id,
  audits (
    unique_values(columns := artifact_id),
    unique_combination_of_columns(columns := (artifact_source, artifact_namespace, artifact_name)),
    not_null(columns := (artifact_id, artifact_source_id, artifact_source, artifact_namespace, artifact_name)),
    refers_to_every_claim
  )
);

WITH named AS (
  SELECT artifact_source, artifact_namespace, artifact_name, artifact_url FROM intermediate.int_claimed_artifacts
  UNION ALL
  SELECT 'OSS_DIRECTORY' AS artifact_source, 'oso' AS artifact_namespace, to_project_name AS artifact_name, CAST(NULL AS VARCHAR) AS artifact_url
  FROM intermediate.int_grant_events
  WHERE to_project_name IS NOT NULL
  UNION ALL
  SELECT 'OSS_FUNDING' AS artifact_source, '' AS artifact_namespace, from_funder_name AS artifact_name, CAST(NULL AS VARCHAR) AS artifact_url
  FROM intermediate.int_grant_events
  UNION ALL
  SELECT 'GITHUB' AS artifact_source, artifact_namespace, artifact_name, 'https://github.com/' || artifact_namespace || '/' || artifact_name AS artifact_url
  FROM intermediate.int_repository_names
  UNION ALL
  SELECT artifact_source, artifact_namespace, artifact_name,
    CASE artifact_source
      WHEN 'GITHUB' THEN 'https://github.com/' || artifact_namespace || '/' || artifact_name
      WHEN 'DEFILLAMA' THEN 'https://defillama.com/protocol/' || artifact_name
      WHEN 'WWW' THEN 'https://' || artifact_name
      ELSE @account_url(artifact_source, artifact_namespace, artifact_name)
    END AS artifact_url
  FROM intermediate.int_op_atlas_claims
  WHERE reason IS NULL
  UNION ALL
  SELECT 'OP_ATLAS' AS artifact_source, '' AS artifact_namespace, project_name AS artifact_name, CAST(NULL AS VARCHAR) AS artifact_url
  FROM staging.stg_op_atlas__rounds
  WHERE reward IS NOT NULL
), artifacts AS (
  SELECT artifact_source, artifact_namespace, artifact_name, MIN(artifact_url) AS artifact_url
  FROM named
  GROUP BY artifact_source, artifact_namespace, artifact_name
)
SELECT
  CAST(@entity_id(artifact_source, artifact_namespace, artifact_name) AS VARCHAR) AS artifact_id, -- Id of the artifact
  CAST(
    CASE WHEN artifact_namespace = '' THEN artifact_name ELSE artifact_namespace || '/' || artifact_name END AS VARCHAR
  ) AS artifact_source_id, -- Name by which its own system knows it
  CAST(artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact
  CAST(artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact
  CAST(artifact_url AS VARCHAR) AS artifact_url -- Canonical address; empty for addresses on chains and for sides of grants
FROM artifacts
