-- A day without a row between two that have some, in the last 60 days of a kind of rows that has some each day. It does not block: the
-- days that are there stay right, and upstream may have none. What came before the first day, and what has not come yet, is no gap.
AUDIT (name no_gap_by_day, blocking false);

WITH days AS (
  SELECT DISTINCT @category AS category, @day AS day
  FROM @of
  WHERE @day >= CAST(DATE_ADD('day', -60, CAST(@execution_ds AS DATE)) AS DATE) AND @day < CAST(@execution_ds AS DATE)
), followed AS (
  SELECT category, day, LEAD(day) OVER (PARTITION BY category ORDER BY day) AS next_day FROM days
)
SELECT category, day AS last_day_before, next_day
FROM followed
WHERE next_day > CAST(DATE_ADD('day', 1, day) AS DATE)
