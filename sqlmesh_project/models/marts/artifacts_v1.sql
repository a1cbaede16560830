MODEL (
  name marts.artifacts_v1,
  kind FULL,
  description 'Artifacts: repositories, packages, accounts, contracts, and the two sides of grants.',
  owner 'team:data',
  grain artifact_id,
  audits (
    unique_values(columns := artifact_id),
    not_null(columns := (artifact_id, artifact_source_id, artifact_source, artifact_namespace, artifact_name))
  )
);

SELECT
  CAST(artifact_id AS VARCHAR) AS artifact_id, -- Id of the artifact: base64(sha256(source + namespace + name))
  CAST(artifact_source_id AS VARCHAR) AS artifact_source_id, -- Name by which its own system knows it
  CAST(artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in: GITHUB, NPM, a network …
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact within its source
  CAST(artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact within its namespace
  CAST(artifact_url AS VARCHAR) AS artifact_url -- Canonical address; empty for addresses on chains and for sides of grants
FROM intermediate.int_artifacts
