MODEL (
  name intermediate.int_rejected_artifacts,
  kind FULL,
  description 'Entries that stand for no artifact, each with the reason. To be mended in OSS Directory.',
  owner 'team:data',
  grain (project_name, kind, position, network_position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position, network_position)),
    not_null(columns := (project_name, kind, position, reason))
  )
);

SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that lists the entry
  CAST(kind AS VARCHAR) AS kind, -- List that the entry stands in
  CAST(position AS BIGINT) AS position, -- Place in that list, from 0
  CAST(network_position AS BIGINT) AS network_position, -- Place of the network in the entry; 1 for what has no networks
  CAST(entry AS VARCHAR) AS entry, -- Address as it stands in the directory
  CAST(network AS VARCHAR) AS network, -- Network of a blockchain address
  CAST(reason AS VARCHAR) AS reason -- Why it stands for no artifact
FROM intermediate.int_claims
WHERE outcome = 'rejected'
