MODEL (
  name intermediate.int_claims,
  kind FULL,
  description 'Every entry of every list of every project: one row per entry, per network for addresses. Each is an artifact, an organisation or rejected with a reason.',
  owner 'team:data',
  grain (project_name, kind, position, network_position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position, network_position)),
    not_null(columns := (project_name, kind, position, network_position, outcome)),
    accepted_values(column := outcome, is_in := ('artifact', 'organization', 'rejected'))
  )
);

WITH urls AS (
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, is_organization, reason
  FROM intermediate.int_github_claims
  UNION ALL
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, is_organization, reason
  FROM intermediate.int_package_claims
  UNION ALL
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, is_organization, reason
  FROM intermediate.int_web_claims
  UNION ALL
  SELECT project_name, kind, position, url, artifact_source, artifact_namespace, artifact_name, artifact_url, is_organization, reason
  FROM intermediate.int_social_claims
), claims AS (
  SELECT
    project_name,
    kind,
    position,
    1 AS network_position,
    url AS entry,
    CAST(NULL AS VARCHAR) AS network,
    artifact_source,
    artifact_namespace,
    artifact_name,
    artifact_url,
    is_organization,
    reason
  FROM urls
  UNION ALL
  SELECT
    project_name,
    'blockchain' AS kind,
    position,
    network_position,
    address AS entry,
    network,
    UPPER(network) AS artifact_source,
    '' AS artifact_namespace,
    artifact_name,
    CAST(NULL AS VARCHAR) AS artifact_url,
    FALSE AS is_organization,
    reason
  FROM intermediate.int_address_claims
)
SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that lists the entry
  CAST(kind AS VARCHAR) AS kind, -- List that the entry stands in: github, npm …, social/<platform>, blockchain
  CAST(position AS BIGINT) AS position, -- Place in that list, from 0
  CAST(network_position AS BIGINT) AS network_position, -- Place of the network in the entry; 1 for what has no networks
  CAST(entry AS VARCHAR) AS entry, -- Address as it stands in the directory
  CAST(network AS VARCHAR) AS network, -- Network of a blockchain address; any_evm for every EVM chain
  CAST(
    CASE WHEN reason IS NOT NULL THEN 'rejected' WHEN is_organization THEN 'organization' ELSE 'artifact' END AS VARCHAR
  ) AS outcome, -- artifact, organization or rejected
  CAST(reason AS VARCHAR) AS reason, -- Why it is rejected; empty when it is not
  CAST(artifact_source AS VARCHAR) AS artifact_source, -- System that the artifact lives in
  CAST(artifact_namespace AS VARCHAR) AS artifact_namespace, -- Namespace of the artifact
  CAST(artifact_name AS VARCHAR) AS artifact_name, -- Name of the artifact
  CAST(artifact_url AS VARCHAR) AS artifact_url -- Canonical address of the artifact
FROM claims
