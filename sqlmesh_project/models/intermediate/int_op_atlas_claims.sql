MODEL (
  name intermediate.int_op_atlas_claims,
  kind FULL,
  description 'What the entries of projects of OP Atlas stand for: a repository, a contract, a protocol, a website, an account, or nothing, with the reason. A renamed repository is what it is called now.',
  owner 'team:data',
  grain (project_name, kind, entry, chain_id),
  audits (
    unique_combination_of_columns(columns := (project_name, kind, entry, chain_id)),
    not_null(columns := (project_name, kind)),
    accepted_op_atlas_claim_is_named
  )
);

WITH entries AS ( -- as addresses: accounts are given by their names too, and addresses without https://
  SELECT
    project_name, kind, entry, chain_id,
    @web_address(CASE
      WHEN kind = 'twitter' AND REGEXP_LIKE(entry, '^@?[A-Za-z0-9_]+\z') THEN 'https://x.com/' || entry
      WHEN kind = 'farcaster' AND REGEXP_LIKE(entry, '^@?[A-Za-z0-9-]+([.]eth)?\z') THEN 'https://farcaster.xyz/' || REGEXP_REPLACE(entry, '^@', '')
      WHEN kind <> 'repository' AND NOT REGEXP_LIKE(entry, '^[A-Za-z]+:') THEN 'https://' || entry
      ELSE entry
    END) AS address
  FROM staging.stg_op_atlas__entries
), parts AS (
  SELECT
    project_name, kind, entry, chain_id, UPPER(kind) AS platform,
    CASE WHEN @is_web_host(@web_host(address)) THEN @web_host(address) END AS host, @web_path(address) AS path, @web_query(address) AS query
  FROM entries
), names AS (
  SELECT
    project_name, kind, entry, chain_id, platform, host, path, query, @account_name(platform, host, path) AS account,
    LOWER(NULLIF(REGEXP_EXTRACT(entry, '^https?://(?:www[.])?github[.]com/([A-Za-z0-9][A-Za-z0-9_-]*)/[A-Za-z0-9._-]+', 1), '')) AS owner,
    REGEXP_REPLACE(
      LOWER(NULLIF(REGEXP_EXTRACT(entry, '^https?://(?:www[.])?github[.]com/[A-Za-z0-9][A-Za-z0-9_-]*/([A-Za-z0-9._-]+)', 1), '')), '[.]git\z', ''
    ) AS repository
  FROM parts
), chains AS ( -- one network where two have the number
  SELECT chain_id, MIN(network) AS network FROM staging.seed_networks WHERE chain_id IS NOT NULL GROUP BY chain_id
), claims AS (
  SELECT
    names.project_name, names.kind, names.entry, names.chain_id,
    CASE names.kind
      WHEN 'repository' THEN 'GITHUB'
      WHEN 'contract' THEN UPPER(chains.network)
      WHEN 'website' THEN 'WWW'
      ELSE names.platform
    END AS artifact_source,
    CASE names.kind
      WHEN 'repository' THEN COALESCE(repositories.artifact_namespace, names.owner)
      ELSE @account_namespace(names.platform, names.path)
    END AS artifact_namespace,
    CASE names.kind
      WHEN 'repository' THEN COALESCE(repositories.artifact_name, names.repository)
      WHEN 'contract' THEN names.entry
      WHEN 'defillama' THEN names.entry
      WHEN 'website' THEN names.host || COALESCE('/' || names.path, '') || COALESCE('?' || names.query, '')
      ELSE names.account
    END AS artifact_name,
    CASE
      WHEN names.entry IS NULL OR names.entry = '' THEN 'the entry is empty'
      WHEN names.kind = 'repository' AND (names.owner IS NULL OR names.repository IS NULL OR names.repository IN ('', '.', '..'))
        THEN 'not the address of a repository: https://github.com/<owner>/<name> is expected'
      WHEN names.kind = 'contract' AND NOT REGEXP_LIKE(names.entry, '^0x[0-9a-f]{40}\z') THEN 'not an EVM address: 0x and 40 hexadecimal digits are expected'
      WHEN names.kind = 'contract' AND chains.network IS NULL THEN 'the chain is not in seeds/networks.csv'
      WHEN names.kind = 'website' AND names.host IS NULL THEN 'not an http(s) address'
      WHEN names.kind IN ('twitter', 'farcaster', 'mirror') AND names.account IS NULL THEN 'neither an account of this platform nor its address'
      WHEN @is_page_of_platform(names.platform, names.account) THEN 'a page of the platform itself, no account'
    END AS reason
  FROM names
  LEFT JOIN intermediate.int_repository_names AS repositories ON names.owner || '/' || names.repository = repositories.full_name
  LEFT JOIN chains ON names.chain_id = chains.chain_id
)
SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Id of the project in OP Atlas
  CAST(kind AS VARCHAR) AS kind, -- repository, contract, defillama, website, twitter, farcaster or mirror
  CAST(entry AS VARCHAR) AS entry, -- Address, slug or name of an account, as it stands there
  CAST(chain_id AS BIGINT) AS chain_id, -- Chain of a contract, by EIP-155
  CAST(CASE WHEN reason IS NULL THEN @entity_id(artifact_source, artifact_namespace, artifact_name) END AS VARCHAR) AS artifact_id, -- Id of the artifact; empty when it is rejected
  CAST(CASE WHEN reason IS NULL THEN artifact_source END AS VARCHAR) AS artifact_source, -- GITHUB, a chain, DEFILLAMA, WWW, TWITTER, FARCASTER or MIRROR
  CAST(CASE WHEN reason IS NULL THEN artifact_namespace END AS VARCHAR) AS artifact_namespace, -- Owner of a repository, channel for one of Farcaster; else empty text
  CAST(CASE WHEN reason IS NULL THEN artifact_name END AS VARCHAR) AS artifact_name, -- Name, address or slug; of a website host, path and query
  CAST(reason AS VARCHAR) AS reason -- Why it is rejected; empty when it is not
FROM claims
