MODEL (
  name marts.days,
  kind INCREMENTAL_BY_TIME_RANGE (time_column day, on_destructive_change allow, forward_only true),
  start '2026-01-01', end '2026-01-03'
);
SELECT day::DATE AS day, COUNT(*)::INT AS events FROM staging.events WHERE day BETWEEN @start_date AND @end_date GROUP BY day
