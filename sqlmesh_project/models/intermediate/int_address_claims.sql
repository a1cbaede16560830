MODEL (
  name intermediate.int_address_claims,
  kind VIEW,
  description 'What the blockchain addresses of projects stand for on each network that they name, or why they stand for nothing.',
  owner 'team:data',
  grain (project_name, position, network_position),
  audits (
    unique_combination_of_columns(columns := (project_name, position, network_position)),
    not_null(columns := (project_name, position, network_position, network_known)),
    networks_known
  )
);

WITH entries AS (
  SELECT addresses.project_name, addresses.position, addresses.address, LOWER(NULLIF(@trimmed(named.network), '')) AS network, named.network_position
  FROM staging.stg_oss_directory__addresses AS addresses
  CROSS JOIN UNNEST(addresses.networks) WITH ORDINALITY AS named(network, network_position)
), known AS (
  SELECT
    entries.project_name,
    entries.position,
    entries.network_position,
    entries.address,
    entries.network,
    entries.network = 'any_evm' OR networks.network IS NOT NULL AS network_known,
    COALESCE(entries.network = 'any_evm' OR networks.is_evm, FALSE) AS is_evm,
    REGEXP_LIKE(entries.address, '^0[xX][0-9a-fA-F]{40}\z') AS looks_evm
  FROM entries
  LEFT JOIN staging.seed_networks AS networks ON entries.network = networks.network
)
SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that lists the address
  CAST(position AS BIGINT) AS position, -- Place in its list, from 0
  CAST(network_position AS BIGINT) AS network_position, -- Place of the network in the entry, from 1
  CAST(address AS VARCHAR) AS address, -- Address as it stands in the directory
  CAST(network AS VARCHAR) AS network, -- Network that the entry names; any_evm for every EVM chain
  CAST(COALESCE(network_known, FALSE) AS BOOLEAN) AS network_known, -- Whether seeds/networks.csv knows the network
  CAST(CASE WHEN looks_evm THEN LOWER(address) ELSE address END AS VARCHAR) AS artifact_name, -- EVM addresses in lower case, others as they are
  CAST(
    CASE
      WHEN address IS NULL OR address = '' THEN 'the entry has no address'
      WHEN network IS NULL THEN 'the entry names no network'
      WHEN is_evm AND NOT looks_evm THEN 'not an EVM address: 0x and 40 hexadecimal digits are expected'
      WHEN REGEXP_LIKE(address, '\s') THEN 'not an address: it holds a blank'
    END AS VARCHAR
  ) AS reason -- Why it is rejected; empty when it is not
FROM known
