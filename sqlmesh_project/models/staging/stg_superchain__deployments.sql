MODEL (
  name staging.stg_superchain__deployments,
  kind VIEW,
  description 'Contracts that were deployed on the Superchain. Chains by the names that the directory uses.',
  owner 'team:data',
  grain (network, contract_address, deployed_at),
  audits (
    not_null(columns := (network, day, contract_address, deployer_address, originating_address, deployed_at))
  )
);

SELECT
  CAST(CASE chain WHEN 'op' THEN 'optimism' ELSE LOWER(chain) END AS VARCHAR) AS network, -- Chain, by its name in the directory
  CAST(day AS DATE) AS day, -- Day of the deployment, UTC
  CAST(deployed_at AS TIMESTAMP(6) WITH TIME ZONE) AS deployed_at, -- Moment of the deployment
  CAST(LOWER(contract_address) AS VARCHAR) AS contract_address, -- Contract
  CAST(LOWER(deployer_address) AS VARCHAR) AS deployer_address, -- Who created it: an account, or a contract that makes contracts
  CAST(LOWER(originating_address) AS VARCHAR) AS originating_address, -- Account that sent the transaction
  CAST(transaction_hash AS VARCHAR) AS transaction_hash, -- Transaction
  CAST(trace_address AS VARCHAR) AS trace_address -- Place of the call within it
FROM superchain.deployments
