MODEL (
  name intermediate.int_events_reconciled,
  kind FULL,
  description 'The account of what becomes of the rows of sources that are no events yet: grants, donations by currency, what rounds matched, rewards, downloads, figures of protocols, attestations. Each is an event, or of an artifact that no project names, or says no amount or time. Its audit proves that none was lost, and that the amounts are the same.',
  owner 'team:data',
  grain (raw_table, category),
  audits (
    unique_combination_of_columns(columns := (raw_table, category)),
    not_null(columns := (raw_table, category, held_rows, event_rows, unnamed_rows, unusable_rows)),
    no_row_lost
  )
);

WITH artifacts AS (
  SELECT artifact_id, artifact_source, artifact_namespace, artifact_name
  FROM intermediate.int_artifacts
  WHERE artifact_source IN ('NPM', 'DEFILLAMA', 'OPEN_COLLECTIVE', 'OPTIMISM')
), chains AS ( -- one network where two have the number
  SELECT chain_id, UPPER(MIN(network)) AS chain FROM staging.seed_networks WHERE chain_id IS NOT NULL GROUP BY chain_id
), addresses AS (
  SELECT artifacts.artifact_id, artifacts.artifact_name, chains.chain_id
  FROM intermediate.int_artifacts AS artifacts
  INNER JOIN chains ON artifacts.artifact_source = chains.chain
  WHERE artifacts.artifact_namespace = '' AND artifacts.artifact_name LIKE '0x%'
), rows_held AS ( -- one a row that may be an event: whether it says all that an event needs, and whether its artifact is known
  SELECT 'npm.downloads' AS raw_table, '' AS category, TRUE AS is_usable, artifacts.artifact_id, CAST(downloads.downloads AS DOUBLE) AS amount
  FROM staging.stg_npm__downloads AS downloads
  LEFT JOIN artifacts
    ON artifacts.artifact_source = 'NPM' AND downloads.package_namespace = artifacts.artifact_namespace AND downloads.package_name = artifacts.artifact_name
  UNION ALL
  SELECT
    CASE amounts.event_type WHEN 'TVL' THEN 'defillama.tvl_events' WHEN 'LP_FEES' THEN 'defillama.fees' ELSE 'defillama.trading_volume' END AS raw_table,
    '' AS category, TRUE AS is_usable, artifacts.artifact_id, amounts.amount
  FROM staging.stg_defillama__amounts AS amounts
  LEFT JOIN artifacts ON artifacts.artifact_source = 'DEFILLAMA' AND amounts.slug = artifacts.artifact_name
  UNION ALL
  SELECT 'open_collective.transactions' AS raw_table, COALESCE(donations.currency, 'unknown') AS category, TRUE AS is_usable, artifacts.artifact_id, donations.amount
  FROM staging.stg_open_collective__donations AS donations
  LEFT JOIN artifacts ON artifacts.artifact_source = 'OPEN_COLLECTIVE' AND donations.collective = artifacts.artifact_name
  UNION ALL
  SELECT
    CASE gifts.kind WHEN 'donation' THEN 'gitcoin.all_donations' ELSE 'gitcoin.all_matching' END AS raw_table, '' AS category,
    gifts.given_at IS NOT NULL AND COALESCE(gifts.amount > 0, FALSE) AS is_usable, addresses.artifact_id, gifts.amount
  FROM staging.stg_gitcoin__gifts AS gifts
  LEFT JOIN addresses ON gifts.chain_id = addresses.chain_id AND gifts.recipient = addresses.artifact_name
  UNION ALL
  SELECT
    'giveth.projects' AS raw_table, '' AS category, MAX(projects.donations) > 0 AS is_usable, MIN(addresses.artifact_id) AS artifact_id, MAX(projects.donations) AS amount
  FROM staging.stg_giveth__projects AS projects
  LEFT JOIN addresses ON projects.chain_id = addresses.chain_id AND projects.recipient = addresses.artifact_name
  GROUP BY projects.project_id
  UNION ALL
  SELECT 'eas_optimism.attestations' AS raw_table, '' AS category, TRUE AS is_usable, artifacts.artifact_id, CAST(1 AS DOUBLE) AS amount
  FROM staging.stg_eas_optimism__attestations AS attestations
  LEFT JOIN artifacts ON artifacts.artifact_source = 'OPTIMISM' AND attestations.recipient = artifacts.artifact_name
  UNION ALL
  SELECT 'op_atlas.funding_reward' AS raw_table, '' AS category, TRUE AS is_usable, project_name AS artifact_id, reward AS amount
  FROM staging.stg_op_atlas__rounds
  WHERE reward IS NOT NULL
  UNION ALL
  SELECT 'oss_funding.funding_data' AS raw_table, '' AS category, TRUE AS is_usable, funding_id AS artifact_id, amount_usd AS amount
  FROM staging.stg_oss_funding__grants
), held AS (
  SELECT
    raw_table, category, COUNT(*) AS held_rows,
    SUM(CASE WHEN is_usable AND artifact_id IS NULL THEN 1 ELSE 0 END) AS unnamed_rows,
    SUM(CASE WHEN is_usable THEN 0 ELSE 1 END) AS unusable_rows,
    SUM(CASE WHEN is_usable AND artifact_id IS NOT NULL THEN amount ELSE 0 END) AS held_amount
  FROM rows_held
  GROUP BY raw_table, category
), named_events AS (
  SELECT
    CASE
      WHEN event_type = 'DOWNLOADS' THEN 'npm.downloads'
      WHEN event_type = 'TVL' THEN 'defillama.tvl_events'
      WHEN event_type = 'TRADING_VOLUME' THEN 'defillama.trading_volume'
      WHEN event_type = 'LP_FEES' THEN 'defillama.fees'
      WHEN event_type = 'ATTESTATION_RECEIVED' THEN 'eas_optimism.attestations'
      WHEN event_type = 'REWARD_RECEIVED_OP' THEN 'op_atlas.funding_reward'
      WHEN event_type = 'MATCHING_RECEIVED_USD' THEN 'gitcoin.all_matching'
      WHEN event_type = 'DONATIONS_SO_FAR_USD' THEN 'giveth.projects'
      WHEN event_source = 'GITCOIN' THEN 'gitcoin.all_donations'
      ELSE 'open_collective.transactions'
    END AS raw_table,
    CASE
      WHEN event_source <> 'OPEN_COLLECTIVE' THEN ''
      WHEN event_type = 'DONATION_RECEIVED_OTHER' THEN SPLIT_PART(event_source_id, '/', 1)
      ELSE SUBSTR(event_type, 19)
    END AS category,
    amount
  FROM intermediate.int_events__usage
  UNION ALL
  SELECT 'oss_funding.funding_data' AS raw_table, '' AS category, amount FROM intermediate.int_grant_events
), events AS (
  SELECT raw_table, category, COUNT(*) AS event_rows, SUM(amount) AS event_amount FROM named_events GROUP BY raw_table, category
)
SELECT
  CAST(COALESCE(held.raw_table, events.raw_table) AS VARCHAR) AS raw_table, -- Raw table, as source.table
  CAST(COALESCE(held.category, events.category) AS VARCHAR) AS category, -- Currency of donations to collectives; else empty text
  CAST(COALESCE(held.held_rows, 0) AS BIGINT) AS held_rows, -- Rows as staging has them; of protocols days, of Giveth projects
  CAST(COALESCE(events.event_rows, 0) AS BIGINT) AS event_rows, -- Of these, rows that became events
  CAST(COALESCE(held.unnamed_rows, 0) AS BIGINT) AS unnamed_rows, -- Rows of a package, protocol, collective or address that no project names
  CAST(COALESCE(held.unusable_rows, 0) AS BIGINT) AS unusable_rows, -- Rows without an amount above 0, or without a time
  CAST(COALESCE(held.held_amount, 0) AS DOUBLE) AS held_amount, -- Sum of what should be events, in the unit or the currency
  CAST(COALESCE(events.event_amount, 0) AS DOUBLE) AS event_amount -- Sum of the events
FROM held
FULL OUTER JOIN events ON held.raw_table = events.raw_table AND held.category = events.category
