-- The metrics of GitHub's activity by hand, for DuckDB: what a person would write who needs them once. Read by tests/bench/metric_volume.py.
CREATE TEMP TABLE facts AS
  SELECT entities.entity_type, entities.entity_id, events.bucket_day AS day, events.event_type AS type, events.from_person AS person,
    events.from_artifact_is_bot AS is_bot, events.amount
  FROM intermediate.int_events_daily__github AS events
  JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
  WHERE events.bucket_day < DATE '{today}';
CREATE TEMP TABLE month_ends AS
  SELECT last_day(month::DATE) AS ends_on, false AS is_latest
  FROM range((SELECT date_trunc('month', min(day)) FROM facts), DATE '{today}', INTERVAL 1 MONTH) AS months(month)
  WHERE last_day(month::DATE) < DATE '{today}'
  UNION ALL SELECT DATE '{today}' - 1, true;
CREATE TEMP MACRO half(day) AS (date_trunc('year', day) + CASE WHEN month(day) > 6 THEN INTERVAL 6 MONTH ELSE INTERVAL 0 MONTH END)::DATE;
CREATE TEMP MACRO counted(rows, the_grain) AS TABLE
  SELECT entity_type, entity_id, the_grain AS grain, sample_date, is_latest,
    sum(amount) FILTER (type = 'COMMIT_CODE') AS commits,
    sum(amount) FILTER (type = 'STARRED') AS stars,
    sum(amount) FILTER (type = 'FORKED') AS forks,
    sum(amount) FILTER (type = 'RELEASE_PUBLISHED') AS releases,
    sum(amount) FILTER (type IN ('ISSUE_COMMENT', 'PULL_REQUEST_REVIEW_COMMENT')) AS comments,
    sum(amount) FILTER (type = 'ISSUE_OPENED') AS opened_issues,
    sum(amount) FILTER (type = 'ISSUE_CLOSED') AS closed_issues,
    sum(amount) FILTER (type = 'PULL_REQUEST_OPENED') AS opened_pull_requests,
    sum(amount) FILTER (type = 'PULL_REQUEST_MERGED') AS merged_pull_requests,
    sum(amount) FILTER (type IN ('COMMIT_CODE', 'ISSUE_OPENED', 'ISSUE_CLOSED', 'PULL_REQUEST_OPENED', 'PULL_REQUEST_MERGED')) AS project_velocity,
    (count(DISTINCT person) FILTER (type = 'COMMIT_CODE' AND NOT is_bot))::DOUBLE AS active_developers,
    (count(DISTINCT person) FILTER (
      type IN ('COMMIT_CODE', 'ISSUE_OPENED', 'PULL_REQUEST_OPENED', 'PULL_REQUEST_MERGED') AND NOT is_bot
    ))::DOUBLE AS contributors,
    CASE WHEN the_grain <> 'day' THEN
      sum(amount) FILTER (type IN ('PULL_REQUEST_CLOSED', 'PULL_REQUEST_MERGED')) / sum(amount) FILTER (type = 'PULL_REQUEST_OPENED')
    END AS change_request_closure_ratio
  FROM query_table(rows)
  GROUP BY ALL;
CREATE TEMP VIEW days AS SELECT *, day AS sample_date, false AS is_latest FROM facts;
CREATE TEMP VIEW weeks AS SELECT *, date_trunc('week', day)::DATE AS sample_date, false AS is_latest FROM facts
  WHERE date_trunc('week', day) + INTERVAL 7 DAY <= DATE '{today}';
CREATE TEMP VIEW months AS SELECT *, date_trunc('month', day)::DATE AS sample_date, false AS is_latest FROM facts
  WHERE date_trunc('month', day) + INTERVAL 1 MONTH <= DATE '{today}';
CREATE TEMP VIEW quarters AS SELECT *, date_trunc('quarter', day)::DATE AS sample_date, false AS is_latest FROM facts
  WHERE date_trunc('quarter', day) + INTERVAL 3 MONTH <= DATE '{today}';
CREATE TEMP VIEW halves AS SELECT *, half(day) AS sample_date, false AS is_latest FROM facts WHERE half(day) + INTERVAL 6 MONTH <= DATE '{today}';
CREATE TEMP VIEW years AS SELECT *, date_trunc('year', day)::DATE AS sample_date, false AS is_latest FROM facts
  WHERE date_trunc('year', day) + INTERVAL 1 YEAR <= DATE '{today}';
CREATE TEMP VIEW everything AS SELECT *, DATE '{today}' - 1 AS sample_date, false AS is_latest FROM facts;
CREATE TEMP VIEW windows_28 AS SELECT facts.*, ends_on AS sample_date, is_latest FROM facts
  JOIN month_ends ON day <= ends_on AND day > ends_on - 28;
CREATE TEMP VIEW windows_90 AS SELECT facts.*, ends_on AS sample_date, is_latest FROM facts
  JOIN month_ends ON day <= ends_on AND day > ends_on - 90;
CREATE TEMP VIEW windows_180 AS SELECT facts.*, ends_on AS sample_date, is_latest FROM facts
  JOIN month_ends ON day <= ends_on AND day > ends_on - 180;
CREATE TABLE by_hand AS
  SELECT metric, entity_type, entity_id, grain, sample_date, is_latest, amount,
    to_base64(unhex(sha256('OSO' || 'oso' || 'GITHUB_' || metric || '_' || grain))) AS metric_id
  FROM (UNPIVOT (
    FROM counted('days', 'day') UNION ALL FROM counted('weeks', 'week') UNION ALL FROM counted('months', 'month')
    UNION ALL FROM counted('quarters', 'quarter') UNION ALL FROM counted('halves', 'biannual') UNION ALL FROM counted('years', 'year')
    UNION ALL FROM counted('everything', 'all') UNION ALL FROM counted('windows_28', '28') UNION ALL FROM counted('windows_90', '90')
    UNION ALL FROM counted('windows_180', '180')
  ) ON commits, stars, forks, releases, comments, opened_issues, closed_issues, opened_pull_requests, merged_pull_requests,
    project_velocity, active_developers, contributors, change_request_closure_ratio INTO NAME metric VALUE amount)
  WHERE amount <> 0;
