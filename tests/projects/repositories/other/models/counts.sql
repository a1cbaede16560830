MODEL (name marts.counts, kind FULL, audits (not_null(columns := events)));
SELECT COUNT(*)::INT AS events FROM staging.events
