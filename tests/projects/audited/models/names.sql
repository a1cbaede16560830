MODEL (name marts.names, kind VIEW);
SELECT DISTINCT payer::TEXT AS payer FROM staging.through
