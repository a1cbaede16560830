MODEL (
  name marts.contracts_v0,
  kind FULL,
  description 'Contracts of the Superchain, by whom they were deployed. One that was deployed anew at its address has the newest deployment.',
  owner 'team:data',
  grain (contract_namespace, contract_address),
  audits (
    unique_combination_of_columns(columns := (contract_namespace, contract_address)),
    not_null(columns := (contract_address, contract_namespace, originating_address, root_deployer_address, deployment_date, sort_weight))
  )
);

WITH ranked AS (
  SELECT network, day, contract_address, deployer_address, originating_address,
    ROW_NUMBER() OVER (PARTITION BY network, contract_address ORDER BY deployed_at DESC, transaction_hash, trace_address) AS place
  FROM staging.stg_superchain__deployments
), deployments AS (
  SELECT network, day, contract_address, deployer_address, originating_address FROM ranked WHERE place = 1
), calls AS (
  SELECT network, to_address, SUM(transactions) AS transactions
  FROM staging.stg_superchain__transactions
  GROUP BY network, to_address
)
SELECT
  CAST(deployments.contract_address AS VARCHAR) AS contract_address, -- Address of the contract, in lower case
  CAST(UPPER(deployments.network) AS VARCHAR) AS contract_namespace, -- Chain, in upper case
  CAST(deployments.originating_address AS VARCHAR) AS originating_address, -- Account that sent the transaction which deployed it
  CAST(CASE WHEN deployments.deployer_address <> deployments.originating_address THEN deployments.deployer_address END AS VARCHAR) AS factory_address, -- Contract that created it; empty where the account did
  CAST(COALESCE(factories.originating_address, deployments.originating_address) AS VARCHAR) AS root_deployer_address, -- Who deployed the factory where that is known, else who sent the transaction
  CAST(deployments.day AS DATE) AS deployment_date, -- Day of the deployment, UTC
  CAST(COALESCE(calls.transactions, 0) AS BIGINT) AS sort_weight -- Transactions that were sent to it on the days that are held
FROM deployments
LEFT JOIN deployments AS factories ON deployments.network = factories.network AND deployments.deployer_address = factories.contract_address
LEFT JOIN calls ON deployments.network = calls.network AND deployments.contract_address = calls.to_address
