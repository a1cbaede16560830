-- A day on which a table by day has other sums than the events that it is made of, within what rounding of sums explains. It blocks:
-- both are computed in one go, so that a difference is a mistake of the model. Days of the events beyond those of the table count too,
-- when they lie between its first and its last: an incremental table is audited for the days that were computed.
AUDIT (name sums_equal_events);

WITH span AS (
  SELECT MIN(bucket_day) AS first_day, MAX(bucket_day) AS last_day FROM @this_model
), daily AS (
  SELECT bucket_day AS day, event_type, SUM(amount) AS amount, SUM(count) AS events FROM @this_model GROUP BY bucket_day, event_type
), landed AS (
  SELECT @day AS day, events.event_type, SUM(events.amount) AS amount, COUNT(*) AS events
  FROM @of AS events
  CROSS JOIN span
  WHERE @day >= span.first_day AND @day <= span.last_day
  GROUP BY @day, events.event_type
)
SELECT
  COALESCE(daily.day, landed.day) AS day, COALESCE(daily.event_type, landed.event_type) AS event_type, landed.events AS events, daily.events AS events_daily,
  landed.amount, daily.amount AS amount_daily
FROM daily
FULL OUTER JOIN landed ON daily.day = landed.day AND daily.event_type = landed.event_type
WHERE COALESCE(daily.events, 0) <> COALESCE(landed.events, 0)
  OR ABS(COALESCE(daily.amount, 0) - COALESCE(landed.amount, 0)) > 1e-9 * GREATEST(ABS(COALESCE(landed.amount, 0)), 1)
