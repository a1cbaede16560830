-- The newest day that is over of a kind of rows has far fewer or far more of them than its days before: hollow upstream, or doubled.
-- It does not block: such a day may be true, and what is there stays right. Judged where the 28 days before have at least 14 days with
-- rows and 20 rows a day, so that a history that has just begun, or a kind that is rare, is no finding.
AUDIT (name volume_in_band, blocking false, defaults (low = 0.1, high = 10));

WITH days AS (
  SELECT @category AS category, @day AS day, COUNT(*) AS volume
  FROM @of
  WHERE @day >= CAST(DATE_ADD('day', -60, CAST(@execution_ds AS DATE)) AS DATE) AND @day < CAST(@execution_ds AS DATE)
  GROUP BY @category, @day
), newest AS (
  SELECT category, MAX(day) AS day FROM days GROUP BY category
), spans AS (
  SELECT
    newest.category, newest.day, COUNT(*) AS days_before, CAST(SUM(days.volume) AS DOUBLE) / COUNT(*) AS usual
  FROM newest
  INNER JOIN days
    ON newest.category = days.category AND days.day < newest.day AND days.day >= CAST(DATE_ADD('day', -28, newest.day) AS DATE)
  GROUP BY newest.category, newest.day
)
SELECT spans.category, spans.day, days.volume, spans.usual
FROM spans
INNER JOIN days ON spans.category = days.category AND spans.day = days.day
WHERE spans.days_before >= 14 AND spans.usual >= 20 AND (days.volume < @low * spans.usual OR days.volume > @high * spans.usual)
