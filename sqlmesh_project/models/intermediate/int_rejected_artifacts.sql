MODEL (
  name intermediate.int_rejected_artifacts,
  kind FULL,
  description 'Entries that stand for no artifact, each with the reason. To be fixed in OSS Directory or OP Atlas.',
  owner 'team:data',
  grain (project_name, kind, position, network_position),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, position, network_position)),
    not_null(columns := (project_name, kind, position, reason))
  )
);

WITH rejected AS (
  SELECT project_name, kind, position, network_position, entry, network, reason FROM intermediate.int_claims WHERE outcome = 'rejected'
  UNION ALL
  SELECT
    project_name, 'op_atlas/' || kind AS kind, ROW_NUMBER() OVER (PARTITION BY project_name, kind ORDER BY entry, chain_id) - 1 AS position, 1 AS network_position, entry,
    CAST(chain_id AS VARCHAR) AS network, reason
  FROM intermediate.int_op_atlas_claims
  WHERE reason IS NOT NULL
)
SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that lists the entry, by its name in OSS Directory or its id in OP Atlas
  CAST(kind AS VARCHAR) AS kind, -- List that the entry stands in; of OP Atlas with op_atlas/ before it
  CAST(position AS BIGINT) AS position, -- Place in that list, from 0; in OP Atlas among those that are rejected
  CAST(network_position AS BIGINT) AS network_position, -- Place of the network in the entry; 1 for what has no networks
  CAST(entry AS VARCHAR) AS entry, -- Address as it stands in the directory
  CAST(network AS VARCHAR) AS network, -- Network of a blockchain address
  CAST(reason AS VARCHAR) AS reason -- Why it stands for no artifact
FROM rejected
