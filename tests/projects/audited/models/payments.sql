MODEL (name staging.payments, kind FULL, audits (unique_values(columns := id)));
SELECT id::INT AS id, payer::TEXT AS payer, cents::INT AS cents FROM raw.payments
