MODEL (
  name staging.stg_gitcoin__gifts,
  kind VIEW,
  description 'Donations of people and what the matching pools of rounds added, as Gitcoin had them last. The source is retired: its history stays.',
  owner 'team:data',
  grain (kind, gift_id),
  audits (
    unique_combination_of_columns_non_blocking(columns := (kind, gift_id)),
    not_null_non_blocking(columns := (kind, gift_id)),
    accepted_values_non_blocking(column := kind, is_in := ('donation', 'matching'))
  )
);

WITH rounds AS ( -- what was matched without a date is of the last day on which the round took donations
  SELECT chain_id, round_id, MAX(timestamp) AS last_moment FROM gitcoin.all_donations WHERE round_id IS NOT NULL GROUP BY chain_id, round_id
), gifts AS (
  SELECT 'donation' AS kind, donation_id AS gift_id, timestamp AS given_at, chain_id, donor_address AS giver, recipient_address AS recipient, amount_in_usd AS amount
  FROM gitcoin.all_donations
  UNION ALL
  SELECT
    'matching' AS kind, matching.matching_id AS gift_id, COALESCE(matching.timestamp, rounds.last_moment) AS given_at, matching.chain_id,
    CAST(NULL AS VARCHAR) AS giver, matching.recipient_address AS recipient, matching.match_amount_in_usd AS amount
  FROM gitcoin.all_matching AS matching
  LEFT JOIN rounds ON matching.round_id = rounds.round_id AND matching.chain_id = rounds.chain_id
)
SELECT
  CAST(kind AS VARCHAR) AS kind, -- donation or matching
  CAST(gift_id AS VARCHAR) AS gift_id, -- Id of the donation or of what was matched
  CAST(given_at AS TIMESTAMP(6) WITH TIME ZONE) AS given_at, -- When, UTC; empty where neither the row nor its round says
  CAST(NULLIF(REGEXP_EXTRACT(chain_id, '^([0-9]{1,18})([.]0*)?\z', 1), '') AS BIGINT) AS chain_id, -- Chain, by EIP-155; empty where that is no whole number
  CAST(LOWER(@trimmed(giver)) AS VARCHAR) AS giver, -- Address that gave, in lower case; empty for a matching pool
  CAST(LOWER(@trimmed(recipient)) AS VARCHAR) AS recipient, -- Address that received, in lower case
  CAST(amount AS DOUBLE) AS amount -- US dollars at that time
FROM gifts
