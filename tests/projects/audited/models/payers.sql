MODEL (name marts.payers, kind FULL);
SELECT payer::TEXT AS payer, SUM(cents)::BIGINT AS cents FROM staging.payments GROUP BY payer
