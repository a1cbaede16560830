MODEL (
  name intermediate.int_events__usage,
  kind FULL,
  description 'Universal events, mostly of unstable sources, of artifacts that projects name: downloads of packages, value, volume and fees of protocols, donations and what rounds matched, attestations, rewards of OP Atlas. A donation in another currency than the dollar is of a type of its own, in that currency: no rates are held. Their upstreams refill and correct history for months: all is computed anew each time.',
  owner 'team:data',
  grain (event_type, event_source, event_source_id),
  audits (
    unique_combination_of_columns_non_blocking(columns := (event_type, event_source, event_source_id)),
    not_null_non_blocking(columns := (time, event_day, to_artifact_id, event_type, event_source, event_source_id, amount)),
    volume_in_band(of := staging.stg_npm__downloads, category := 'downloads', day := event_day),
    no_gap_by_day(of := staging.stg_npm__downloads, category := 'downloads', day := event_day),
    volume_in_band(of := staging.stg_defillama__amounts, category := event_type, day := event_day),
    no_gap_by_day(of := staging.stg_defillama__amounts, category := event_type, day := event_day)
  )
);

WITH artifacts AS (
  SELECT artifact_id, artifact_source, artifact_namespace, artifact_name
  FROM intermediate.int_artifacts
  WHERE artifact_source IN ('NPM', 'DEFILLAMA', 'OPEN_COLLECTIVE', 'OPTIMISM')
), chains AS ( -- one network where two have the number
  SELECT chain_id, UPPER(MIN(network)) AS chain FROM staging.seed_networks WHERE chain_id IS NOT NULL GROUP BY chain_id
), addresses AS (
  SELECT artifacts.artifact_id, artifacts.artifact_source, artifacts.artifact_name, chains.chain_id
  FROM intermediate.int_artifacts AS artifacts
  INNER JOIN chains ON artifacts.artifact_source = chains.chain
  WHERE artifacts.artifact_namespace = '' AND artifacts.artifact_name LIKE '0x%'
), giveth AS ( -- a project of which several addresses are known counts for the first of them
  SELECT
    projects.project_id, projects.as_of, projects.donations, addresses.artifact_id,
    ROW_NUMBER() OVER (PARTITION BY projects.project_id ORDER BY projects.position, addresses.artifact_id) AS place
  FROM staging.stg_giveth__projects AS projects
  INNER JOIN addresses ON projects.chain_id = addresses.chain_id AND projects.recipient = addresses.artifact_name
  WHERE projects.donations > 0
), daily AS (
  SELECT
    artifacts.artifact_id, CAST(NULL AS VARCHAR) AS from_artifact_id, 'DOWNLOADS' AS event_type, 'NPM' AS event_source, downloads.event_day,
    downloads.package AS what, CAST(downloads.downloads AS DOUBLE) AS amount
  FROM staging.stg_npm__downloads AS downloads
  INNER JOIN artifacts
    ON artifacts.artifact_source = 'NPM' AND downloads.package_namespace = artifacts.artifact_namespace AND downloads.package_name = artifacts.artifact_name
  UNION ALL
  SELECT
    artifacts.artifact_id, CAST(NULL AS VARCHAR) AS from_artifact_id, amounts.event_type, amounts.chain AS event_source, amounts.event_day,
    amounts.slug AS what, amounts.amount
  FROM staging.stg_defillama__amounts AS amounts
  INNER JOIN artifacts ON artifacts.artifact_source = 'DEFILLAMA' AND amounts.slug = artifacts.artifact_name
), events AS (
  SELECT
    CAST(FROM_ISO8601_TIMESTAMP(CAST(event_day AS VARCHAR) || 'T00:00:00Z') AS TIMESTAMP(6) WITH TIME ZONE) AS time, event_day,
    artifact_id, from_artifact_id, event_type, event_source, CAST(event_day AS VARCHAR) || '/' || what AS event_source_id, amount
  FROM daily
  UNION ALL
  SELECT
    donations.donated_at AS time, @utc_day(donations.donated_at) AS event_day, artifacts.artifact_id,
    @entity_id('OPEN_COLLECTIVE', '', donations.giver) AS from_artifact_id, COALESCE(types.event_type, 'DONATION_RECEIVED_OTHER') AS event_type,
    'OPEN_COLLECTIVE' AS event_source,
    CASE WHEN types.event_type IS NULL THEN COALESCE(donations.currency, 'unknown') || '/' ELSE '' END || donations.donation_id AS event_source_id, donations.amount
  FROM staging.stg_open_collective__donations AS donations
  INNER JOIN artifacts ON artifacts.artifact_source = 'OPEN_COLLECTIVE' AND donations.collective = artifacts.artifact_name
  LEFT JOIN staging.seed_event_types AS types ON 'DONATION_RECEIVED_' || donations.currency = types.event_type
  UNION ALL
  SELECT
    gifts.given_at AS time, @utc_day(gifts.given_at) AS event_day, addresses.artifact_id,
    @entity_id(addresses.artifact_source, '', NULLIF(gifts.giver, '')) AS from_artifact_id,
    CASE gifts.kind WHEN 'donation' THEN 'DONATION_RECEIVED_USD' ELSE 'MATCHING_RECEIVED_USD' END AS event_type, 'GITCOIN' AS event_source,
    gifts.gift_id AS event_source_id, gifts.amount
  FROM staging.stg_gitcoin__gifts AS gifts
  INNER JOIN addresses ON gifts.chain_id = addresses.chain_id AND gifts.recipient = addresses.artifact_name
  WHERE gifts.given_at IS NOT NULL AND gifts.amount > 0
  UNION ALL
  SELECT
    as_of AS time, @utc_day(as_of) AS event_day, artifact_id, CAST(NULL AS VARCHAR) AS from_artifact_id, 'DONATIONS_SO_FAR_USD' AS event_type,
    'GIVETH' AS event_source, project_id AS event_source_id, donations AS amount
  FROM giveth
  WHERE place = 1
  UNION ALL
  SELECT
    attestations.attested_at AS time, @utc_day(attestations.attested_at) AS event_day, artifacts.artifact_id,
    @entity_id('OPTIMISM', '', attestations.attester) AS from_artifact_id, 'ATTESTATION_RECEIVED' AS event_type, 'OPTIMISM' AS event_source,
    attestations.attestation_id AS event_source_id, CAST(1 AS DOUBLE) AS amount
  FROM staging.stg_eas_optimism__attestations AS attestations
  INNER JOIN artifacts ON artifacts.artifact_source = 'OPTIMISM' AND attestations.recipient = artifacts.artifact_name
  UNION ALL
  SELECT
    rewarded_at AS time, @utc_day(rewarded_at) AS event_day, @entity_id('OP_ATLAS', '', project_name) AS artifact_id,
    @entity_id('OP_ATLAS', '', round_name) AS from_artifact_id, 'REWARD_RECEIVED_OP' AS event_type, 'OP_ATLAS' AS event_source,
    round_name || '/' || project_name AS event_source_id, reward AS amount
  FROM staging.stg_op_atlas__rounds
  WHERE reward IS NOT NULL
)
SELECT
  CAST(time AS TIMESTAMP(6) WITH TIME ZONE) AS time, -- When it happened, UTC; what is counted by day stands at its midnight
  CAST(event_day AS DATE) AS event_day, -- Day on which it happened, UTC
  CAST(artifact_id AS VARCHAR) AS to_artifact_id, -- Package, protocol, collective, address or rewarded project
  CAST(from_artifact_id AS VARCHAR) AS from_artifact_id, -- Who gave or attested, as an artifact; empty for people, and where nobody is known
  CAST(event_type AS VARCHAR) AS event_type, -- What happened
  CAST(event_source AS VARCHAR) AS event_source, -- NPM, OPEN_COLLECTIVE, GITCOIN, GIVETH, OP_ATLAS, or the chain in upper case
  CAST(event_source_id AS VARCHAR) AS event_source_id, -- Id of the event; day and name of what is counted by day; before a donation in a currency without a type of its own that currency
  CAST(amount AS DOUBLE) AS amount -- How much: its unit follows from the type
FROM events
