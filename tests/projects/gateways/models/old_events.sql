MODEL (name archive.staging.old_events, kind FULL, gateway archive, audits (not_null(columns := id)));
SELECT id::INT AS id FROM archive.raw.old_events
