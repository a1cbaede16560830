MODEL (
  name staging.stg_op_atlas__entries,
  kind VIEW,
  description 'What projects of OP Atlas say is theirs: repositories, contracts by chain, protocols of DefiLlama. Each once.',
  owner 'team:data',
  grain (project_name, kind, entry, chain_id),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, entry, chain_id)),
    not_null(columns := (project_name, kind))
  )
);

WITH entries AS (
  SELECT project_id, 'repository' AS kind, url AS entry, CAST(NULL AS BIGINT) AS chain_id FROM op_atlas.project_repository
  UNION
  SELECT project_id, 'contract' AS kind, LOWER(contract_address) AS entry, chain_id FROM op_atlas.project_contract
  UNION
  SELECT project_id, 'contract' AS kind, LOWER(contract) AS entry, chain_id FROM op_atlas.published_contract WHERE revoked_at IS NULL
  UNION
  SELECT projects.id AS project_id, 'defillama' AS kind, LOWER(slugs.slug) AS entry, CAST(NULL AS BIGINT) AS chain_id
  FROM op_atlas.project AS projects
  CROSS JOIN UNNEST(projects.defi_llama_slug) AS slugs(slug)
)
SELECT
  CAST(entries.project_id AS VARCHAR) AS project_name, -- Id of the project in OP Atlas
  CAST(entries.kind AS VARCHAR) AS kind, -- repository, contract or defillama
  CAST(entries.entry AS VARCHAR) AS entry, -- Address or slug, as it stands there
  CAST(entries.chain_id AS BIGINT) AS chain_id -- Chain of a contract, by EIP-155
FROM entries
INNER JOIN op_atlas.project AS projects ON entries.project_id = projects.id
WHERE projects.deleted_at IS NULL
