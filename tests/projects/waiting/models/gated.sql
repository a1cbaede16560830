MODEL (name marts.gated, kind FULL, signals [gate_is_open()]);
SELECT COUNT(*)::INT AS events FROM staging.events
