-- A metric of all time whose sum over artifacts is not that of the days it is made of. It does not block: between two runs of some
-- models only, days may be newer than the metrics, and the next run computes these again.
AUDIT (name sums_equal_days, blocking false);

WITH published AS (
  SELECT metric_source, MAX(sample_date) AS last_day, SUM(amount) AS amount
  FROM @this_model
  WHERE metric = @metric AND grain = 'all' AND entity_type = 'artifact'
  GROUP BY metric_source
), as_of AS (
  SELECT MAX(last_day) AS last_day FROM published
), days AS (
  SELECT events.event_source AS metric_source, SUM(events.amount) AS amount
  FROM @of AS events
  CROSS JOIN as_of
  WHERE events.event_type = @event_type AND events.to_artifact_id IS NOT NULL AND events.@day <= as_of.last_day
  GROUP BY events.event_source
)
SELECT COALESCE(published.metric_source, days.metric_source) AS metric_source, days.amount AS amount_of_days, published.amount
FROM published
FULL OUTER JOIN days ON published.metric_source = days.metric_source
WHERE ABS(COALESCE(published.amount, 0) - COALESCE(days.amount, 0)) > 1e-9 * GREATEST(ABS(COALESCE(days.amount, 0)), 1)
