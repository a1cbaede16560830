MODEL (name staging.through, kind EMBEDDED);
SELECT payer::TEXT AS payer FROM raw.payments
