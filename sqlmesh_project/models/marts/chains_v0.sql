MODEL (
  name marts.chains_v0,
  kind FULL,
  description 'Blockchains that the platform knows, by the names that artifacts have as their source.',
  owner 'team:data',
  grain chain,
  audits (
    unique_values(columns := (chain)),
    not_null(columns := (chain, network, is_evm))
  )
);

SELECT
  CAST(UPPER(network) AS VARCHAR) AS chain, -- Name, as artifacts and metrics have it
  CAST(network AS VARCHAR) AS network, -- Name, as OSS Directory writes it
  CAST(is_evm AS BOOLEAN) AS is_evm, -- Whether addresses are those of the Ethereum virtual machine
  CAST(chain_id AS BIGINT) AS chain_id -- Chain id by EIP-155; empty for other networks
FROM staging.seed_networks
