MODEL (name warehouse.staging.events, kind FULL, audits (not_null(columns := id)));
SELECT id::INT AS id, day::DATE AS day FROM warehouse.raw.events
