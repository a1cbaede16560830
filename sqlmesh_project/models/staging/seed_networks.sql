MODEL (
  name staging.seed_networks,
  kind SEED (path '../../seeds/networks.csv'),
  description 'Blockchain networks that are known, by the names that OSS Directory uses. any_evm stands for all with is_evm.',
  owner 'team:data',
  grain network,
  columns (network VARCHAR, is_evm BOOLEAN, chain_id BIGINT),
  column_descriptions (
    network = 'Name of the network, as OSS Directory writes it',
    is_evm = 'Whether addresses are those of the Ethereum virtual machine: 0x and 40 hexadecimal digits',
    chain_id = 'Chain id by EIP-155; empty for other networks'
  ),
  audits (unique_values(columns := network), not_null(columns := (network, is_evm)))
);
