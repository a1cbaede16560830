MODEL (
  name intermediate.int_events_daily__onchain,
  kind FULL,
  depends_on (staging.stg_superchain__transactions, intermediate.int_artifacts), -- the audits read them
  description 'Events on chains by day, per called address, caller and type.',
  owner 'team:data',
  grain (bucket_day, to_artifact_id, from_artifact_id, event_source, event_type),
  audits (
    unique_combination_of_columns(columns := (bucket_day, to_artifact_id, from_artifact_id, event_source, event_type)),
    not_null(columns := (bucket_day, to_artifact_id, from_artifact_id, event_source, event_type, amount, count)),
    chain_days_are_current,
    sums_equal_events(of := intermediate.int_events__onchain, day := event_day),
    volume_in_band(of := staging.stg_superchain__transactions, category := network, day := day),
    no_gap_by_day(of := staging.stg_superchain__transactions, category := network, day := day)
  )
);

SELECT
  CAST(event_day AS DATE) AS bucket_day, -- Day, UTC
  CAST(to_artifact_id AS VARCHAR) AS to_artifact_id, -- Contract or wallet that was called
  CAST(from_artifact_id AS VARCHAR) AS from_artifact_id, -- Address that called, as an artifact
  CAST(event_source AS VARCHAR) AS event_source, -- Chain, in upper case
  CAST(event_type AS VARCHAR) AS event_type, -- What happened
  CAST(SUM(amount) AS DOUBLE) AS amount, -- How much: transactions, or wei
  CAST(COUNT(*) AS BIGINT) AS count -- Events
FROM intermediate.int_events__onchain
GROUP BY event_day, to_artifact_id, from_artifact_id, event_source, event_type
