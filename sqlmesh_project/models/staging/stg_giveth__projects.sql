MODEL (
  name staging.stg_giveth__projects,
  kind VIEW,
  description 'Projects of rounds of Giveth by the addresses that receive their donations, with all that they were given so far. Of a project in several rounds the newest answer counts; one without such an address is one row.',
  owner 'team:data',
  grain (project_id, position),
  audits (
    unique_combination_of_columns_non_blocking(columns := (project_id, position)),
    not_null_non_blocking(columns := (project_id, position, donations, as_of))
  )
);

WITH projects AS (
  SELECT
    projects.round_id, projects.project_id, projects.donations, COALESCE(projects.updated_at, projects.created_at, rounds.begin_date) AS as_of,
    ROW_NUMBER() OVER (
      PARTITION BY projects.project_id ORDER BY projects.updated_at DESC NULLS LAST, projects.donations DESC, projects.round_id
    ) AS place
  FROM giveth.projects AS projects
  LEFT JOIN giveth.qf_rounds AS rounds ON projects.round_id = rounds.id
)
SELECT
  CAST(projects.project_id AS VARCHAR) AS project_id, -- Number of the project at Giveth
  CAST(COALESCE(addresses.position, -1) AS BIGINT) AS position, -- Place of the address in its list, from 0; -1 where it has none that receives
  CAST(addresses.network_id AS BIGINT) AS chain_id, -- Chain, by EIP-155 for those of EVM
  CAST(CASE WHEN addresses.chain_type = 'EVM' THEN LOWER(@trimmed(addresses.address)) ELSE @trimmed(addresses.address) END AS VARCHAR) AS recipient, -- Address that receives; of EVM chains in lower case
  CAST(projects.donations AS DOUBLE) AS donations, -- All donations so far, in US dollars, of every round and of none
  CAST(projects.as_of AS TIMESTAMP(6) WITH TIME ZONE) AS as_of -- When it last changed; where Giveth does not know, when it was created, or its round began
FROM projects
LEFT JOIN giveth.projects__addresses AS addresses
  ON projects.round_id = addresses.round_id AND projects.project_id = addresses.project_id AND addresses.is_recipient
WHERE projects.place = 1
