MODEL (name marts.other, kind FULL);
SELECT COUNT(*)::INT AS events FROM raw.events
