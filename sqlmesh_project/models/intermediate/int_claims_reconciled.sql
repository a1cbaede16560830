MODEL (
  name intermediate.int_claims_reconciled,
  kind FULL,
  description 'The account of all entries, one row per list: what came in, and what became of it. Its audit proves that none was lost.',
  owner 'team:data',
  grain kind,
  audits (
    unique_values(columns := kind),
    not_null(columns := (kind, raw_entries, raw_claims)),
    no_claim_lost
  )
);

WITH raw AS (
  SELECT kind, COUNT(*) AS entries, COUNT(*) AS claims
  FROM staging.stg_oss_directory__urls
  GROUP BY kind
  UNION ALL
  SELECT 'blockchain' AS kind, COUNT(*) AS entries, COALESCE(SUM(CARDINALITY(networks)), 0) AS claims
  FROM staging.stg_oss_directory__addresses
  UNION ALL
  SELECT 'op_atlas/' || kind AS kind, COUNT(*) AS entries, COUNT(*) AS claims
  FROM staging.stg_op_atlas__entries
  GROUP BY kind
), accepted_keys AS (
  SELECT DISTINCT kind, project_name, position, network_position FROM intermediate.int_claimed_artifacts
), accepted AS (
  SELECT kind, COUNT(*) AS claims FROM accepted_keys GROUP BY kind
  UNION ALL
  SELECT 'op_atlas/' || kind AS kind, COUNT(*) AS claims FROM intermediate.int_op_atlas_claims WHERE artifact_id IS NOT NULL GROUP BY kind
), organizations AS (
  SELECT kind, COUNT(*) AS claims FROM intermediate.int_organizations_by_project GROUP BY kind
), rejected AS (
  SELECT kind, COUNT(*) AS claims FROM intermediate.int_rejected_artifacts GROUP BY kind
)
SELECT
  CAST(raw.kind AS VARCHAR) AS kind, -- List of the directory: github, npm …, social/<platform>, blockchain; of OP Atlas with op_atlas/ before it
  CAST(raw.entries AS BIGINT) AS raw_entries, -- Entries as they stand in the registry
  CAST(raw.claims AS BIGINT) AS raw_claims, -- The same; an address counts once for each network that it names
  CAST(COALESCE(accepted.claims, 0) AS BIGINT) AS artifact_claims, -- Of these, claims that became artifacts
  CAST(COALESCE(organizations.claims, 0) AS BIGINT) AS organization_claims, -- Claims that name an organisation
  CAST(COALESCE(rejected.claims, 0) AS BIGINT) AS rejected_claims -- Claims that were rejected with a reason
FROM raw
LEFT JOIN accepted ON raw.kind = accepted.kind
LEFT JOIN organizations ON raw.kind = organizations.kind
LEFT JOIN rejected ON raw.kind = rejected.kind
