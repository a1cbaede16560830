MODEL (name staging."größe", kind FULL, audits (not_null(columns := id)));
SELECT 1::INT AS id
