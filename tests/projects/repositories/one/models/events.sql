MODEL (name staging.events, kind FULL);
SELECT id::INT AS id FROM raw.events
