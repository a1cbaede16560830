MODEL (
  name staging.stg_eas_optimism__attestations,
  kind VIEW,
  description 'Attestations on Optimism: who stated something about which address. What was stated is not read.',
  owner 'team:data',
  grain attestation_id,
  audits (
    unique_values_non_blocking(columns := attestation_id),
    not_null_non_blocking(columns := (attestation_id, attester, recipient, attested_at))
  )
);

SELECT
  CAST(id AS VARCHAR) AS attestation_id, -- Id of the attestation
  CAST(schema_id AS VARCHAR) AS schema_id, -- What kind of statement it is
  CAST(LOWER(attester) AS VARCHAR) AS attester, -- Address that attests
  CAST(LOWER(recipient) AS VARCHAR) AS recipient, -- Address that it is about; zero where it is about none
  CAST(time AS TIMESTAMP(6) WITH TIME ZONE) AS attested_at -- When, UTC
FROM eas_optimism.attestations
