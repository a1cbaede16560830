MODEL (
  name staging.stg_open_collective__donations,
  kind VIEW,
  description 'Money that collectives were given: contributions and added funds, in the currency of the collective. Expenses and fees are no donations.',
  owner 'team:data',
  grain donation_id,
  audits (
    unique_values_non_blocking(columns := donation_id),
    not_null_non_blocking(columns := (donation_id, collective, donated_at, amount, currency))
  )
);

SELECT
  CAST(id AS VARCHAR) AS donation_id, -- Id of the transaction
  CAST(LOWER(to_account_slug) AS VARCHAR) AS collective, -- Collective that received it, in lower case
  CAST(CASE WHEN from_account_type <> 'INDIVIDUAL' THEN LOWER(from_account_slug) END AS VARCHAR) AS giver, -- Organisation or collective that gave; empty for people and where it is not known
  CAST(created_at AS TIMESTAMP(6) WITH TIME ZONE) AS donated_at, -- When, UTC
  CAST(amount AS DOUBLE) AS amount, -- Amount, in the currency
  CAST(UPPER(currency) AS VARCHAR) AS currency -- Currency, by its ISO code
FROM open_collective.transactions
WHERE type = 'CREDIT' AND kind IN ('CONTRIBUTION', 'ADDED_FUNDS') AND amount > 0
