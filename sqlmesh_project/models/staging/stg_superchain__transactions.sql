MODEL (
  name staging.stg_superchain__transactions,
  kind VIEW,
  description 'Transactions of the Superchain by day, sender and receiver. Chains by the names that the directory uses.',
  owner 'team:data',
  grain (network, day, from_address, to_address),
  audits (
    not_null(columns := (network, day, from_address, to_address, transactions, gas_fees))
  )
);

SELECT
  CAST(CASE chain WHEN 'op' THEN 'optimism' ELSE LOWER(chain) END AS VARCHAR) AS network, -- Chain, by its name in the directory
  CAST(day AS DATE) AS day, -- Day, UTC
  CAST(LOWER(from_address) AS VARCHAR) AS from_address, -- Who sent them
  CAST(LOWER(to_address) AS VARCHAR) AS to_address, -- Who received them; empty text for a creation
  CAST(transactions AS BIGINT) AS transactions, -- Successful transactions
  CAST(gas_fees AS DECIMAL(38, 0)) AS gas_fees -- Gas used times gas price, in wei
FROM superchain.daily_transactions
