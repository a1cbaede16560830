MODEL (
  name marts.days,
  kind INCREMENTAL_BY_TIME_RANGE (time_column day, forward_only true),
  owner 'team:data', start '2026-01-01', end '2026-01-03'
);
SELECT day::DATE AS day, COUNT(*)::INT AS events, 1::INT AS spare
FROM raw.events WHERE day BETWEEN @start_date AND @end_date GROUP BY day
