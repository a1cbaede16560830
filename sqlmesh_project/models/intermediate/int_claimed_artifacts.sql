MODEL (
  name intermediate.int_claimed_artifacts,
  kind FULL,
  description 'Accepted claims: which artifact each entry stands for. An any_evm address stands for one artifact on every EVM chain known.',
  owner 'team:data',
  grain (project_name, kind, position, network_position, artifact_id),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position, network_position, artifact_id)),
    not_null(columns := (project_name, kind, position, artifact_id, artifact_source, artifact_namespace, artifact_name))
  )
);

WITH claims AS (
  SELECT project_name, kind, position, network_position, artifact_source, artifact_namespace, artifact_name, artifact_url
  FROM intermediate.int_claims
  WHERE outcome = 'artifact' AND (network IS NULL OR network <> 'any_evm')
  UNION ALL
  SELECT
    claims.project_name,
    claims.kind,
    claims.position,
    claims.network_position,
    UPPER(networks.network) AS artifact_source,
    claims.artifact_namespace,
    claims.artifact_name,
    claims.artifact_url
  FROM intermediate.int_claims AS claims
  INNER JOIN staging.seed_networks AS networks ON networks.is_evm
  WHERE claims.outcome = 'artifact' AND claims.network = 'any_evm'
)
SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that claims the artifact
  CAST(kind AS VARCHAR) AS kind, -- List that the entry stands in
  CAST(position AS BIGINT) AS position, -- Place in that list, from 0
  CAST(network_position AS BIGINT) AS network_position, -- Place of the network in the entry; 1 for what has no networks
  CAST(@entity_id(artifact_source, artifact_namespace, artifact_name) AS VARCHAR) AS artifact_id, -- Id of the artifact
  CAST(artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact
  CAST(artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact
  CAST(artifact_url AS VARCHAR) AS artifact_url -- Canonical address of the artifact
FROM claims
