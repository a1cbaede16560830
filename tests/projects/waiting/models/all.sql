MODEL (name staging.events, kind FULL);
SELECT id::INT AS id, day::DATE AS day FROM raw.events
