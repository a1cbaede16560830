MODEL (
  name intermediate.int_events__onchain,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column (event_day, '%Y-%m-%d'),
    lookback 7
  ),
  start '2021-11-11',
  cron '@daily',
  partitioned_by (event_day, event_type),
  description 'Universal events on the Superchain: who called the contracts and wallets that projects name, by day, how often and for how much gas. The last seven days are computed again each day.',
  owner 'team:data',
  grain (event_type, event_source, event_source_id),
  audits (
    unique_combination_of_columns(columns := (event_type, event_source, event_source_id, event_day)),
    not_null(columns := (time, event_day, to_artifact_id, from_artifact_id, event_type, event_source, event_source_id, amount)),
    accepted_values(column := event_type, is_in := ('CONTRACT_INVOCATION', 'GAS_FEES'))
  )
);

WITH addresses AS (
  SELECT artifact_id, artifact_source, artifact_name FROM intermediate.int_artifacts WHERE artifact_namespace = '' AND artifact_name LIKE '0x%'
), received AS (
  SELECT addresses.artifact_id, addresses.artifact_source, transactions.day, transactions.from_address, transactions.to_address, transactions.transactions, transactions.gas_fees
  FROM staging.stg_superchain__transactions AS transactions
  INNER JOIN addresses ON UPPER(transactions.network) = addresses.artifact_source AND transactions.to_address = addresses.artifact_name
  WHERE transactions.day BETWEEN @start_date AND @end_date
), events AS (
  SELECT artifact_id, artifact_source, day, from_address, to_address, 'CONTRACT_INVOCATION' AS event_type, CAST(transactions AS DOUBLE) AS amount FROM received
  UNION ALL
  SELECT artifact_id, artifact_source, day, from_address, to_address, 'GAS_FEES' AS event_type, CAST(gas_fees AS DOUBLE) AS amount FROM received
)
SELECT
  CAST(FROM_ISO8601_TIMESTAMP(CAST(day AS VARCHAR) || 'T00:00:00Z') AS TIMESTAMP(6) WITH TIME ZONE) AS time, -- Midnight of the day, UTC: chains are held by day
  CAST(day AS DATE) AS event_day, -- Day, UTC
  CAST(artifact_id AS VARCHAR) AS to_artifact_id, -- Contract or wallet that was called
  CAST(@entity_id(artifact_source, '', from_address) AS VARCHAR) AS from_artifact_id, -- Address that called, as an artifact
  CAST(event_type AS VARCHAR) AS event_type, -- CONTRACT_INVOCATION or GAS_FEES
  CAST(artifact_source AS VARCHAR) AS event_source, -- Chain, in upper case
  CAST(CAST(day AS VARCHAR) || '/' || from_address || '/' || to_address AS VARCHAR) AS event_source_id, -- Day, sender and receiver
  CAST(amount AS DOUBLE) AS amount -- Transactions, or wei
FROM events
