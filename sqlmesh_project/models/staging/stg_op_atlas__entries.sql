MODEL (
  name staging.stg_op_atlas__entries,
  kind VIEW,
  description 'What projects of OP Atlas say is theirs: repositories, contracts by chain, protocols of DefiLlama, websites, accounts on Twitter, Farcaster and Mirror. Each once. Upstream does not check them: an account is a name or an address.',
  owner 'team:data',
  grain (project_name, kind, entry, chain_id),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, entry, chain_id)),
    not_null(columns := (project_name, kind)),
    accepted_values(column := kind, is_in := ('repository', 'contract', 'defillama', 'website', 'twitter', 'farcaster', 'mirror'))
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
  UNION
  SELECT projects.id AS project_id, 'website' AS kind, @trimmed(sites.url) AS entry, CAST(NULL AS BIGINT) AS chain_id
  FROM op_atlas.project AS projects
  CROSS JOIN UNNEST(projects.website) AS sites(url)
  UNION
  SELECT projects.id AS project_id, 'farcaster' AS kind, @trimmed(accounts.account) AS entry, CAST(NULL AS BIGINT) AS chain_id
  FROM op_atlas.project AS projects
  CROSS JOIN UNNEST(projects.farcaster) AS accounts(account)
  UNION
  SELECT id AS project_id, 'twitter' AS kind, @trimmed(twitter) AS entry, CAST(NULL AS BIGINT) AS chain_id FROM op_atlas.project WHERE @trimmed(twitter) <> ''
  UNION
  SELECT id AS project_id, 'mirror' AS kind, @trimmed(mirror) AS entry, CAST(NULL AS BIGINT) AS chain_id FROM op_atlas.project WHERE @trimmed(mirror) <> ''
)
SELECT
  CAST(entries.project_id AS VARCHAR) AS project_name, -- Id of the project in OP Atlas
  CAST(entries.kind AS VARCHAR) AS kind, -- repository, contract, defillama, website, twitter, farcaster or mirror
  CAST(entries.entry AS VARCHAR) AS entry, -- Address, slug or name of an account, as it stands there
  CAST(entries.chain_id AS BIGINT) AS chain_id -- Chain of a contract, by EIP-155
FROM entries
INNER JOIN op_atlas.project AS projects ON entries.project_id = projects.id
WHERE projects.deleted_at IS NULL
