MODEL (
  name marts.by_month,
  kind INCREMENTAL_BY_TIME_RANGE (time_column day),
  cron '@monthly', start '2026-01-15'
);
SELECT day::DATE AS day, COUNT(*)::INT AS events FROM raw.events WHERE day BETWEEN @start_date AND @end_date GROUP BY day
