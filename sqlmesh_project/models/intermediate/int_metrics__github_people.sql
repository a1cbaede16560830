MODEL (
  name intermediate.int_metrics__github_people,
  kind FULL,
  description 'Metrics of people in repositories of GitHub by how they take part: how many days, since when, after which pause, with which share, and who stays away. Bots are left out, and commits of which no account is known.',
  owner 'team:data',
  grain (metric_id, entity_type, entity_id, sample_date, is_latest),
  audits (
    unique_combination_of_columns(columns := (metric_id, entity_type, entity_id, sample_date, is_latest)),
    not_null(columns := (metric_id, metric_name, entity_type, entity_id, grain, sample_date, amount))
  )
);

WITH as_of AS ( -- the first day that is not over
  SELECT CAST(@execution_ds AS DATE) AS day
), rows_of_entities AS ( -- a person's day
  SELECT
    'GITHUB' AS metric_source, entities.entity_type, entities.entity_id, events.from_person AS person, events.bucket_day,
    SUM(events.amount) AS contributions,
    SUM(CASE WHEN events.event_type = 'COMMIT_CODE' THEN events.amount ELSE 0 END) AS commits,
    MAX(CASE WHEN events.event_type = 'COMMIT_CODE' THEN 1 ELSE 0 END) AS has_committed
  FROM intermediate.int_events_daily__github AS events
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
  WHERE events.from_person IS NOT NULL
    AND NOT events.from_artifact_is_bot
    AND events.event_type IN ('COMMIT_CODE', 'ISSUE_OPENED', 'PULL_REQUEST_OPENED', 'PULL_REQUEST_MERGED')
  GROUP BY entities.entity_type, entities.entity_id, events.from_person, events.bucket_day
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, person, contributions, commits, has_committed))
), in_period AS ( -- a person's period
  SELECT
    metric_source, entity_type, entity_id, person, grain, sample_date, is_latest,
    SUM(has_committed) AS developer_days, SUM(commits) AS commits, SUM(contributions) AS contributions, MAX(bucket_day) AS last_day
  FROM periods
  GROUP BY metric_source, entity_type, entity_id, person, grain, sample_date, is_latest
), firsts AS (
  SELECT entity_type, entity_id, person, MIN(bucket_day) AS first_day, MIN(CASE WHEN has_committed = 1 THEN bucket_day END) AS first_commit_day
  FROM rows_of_entities
  GROUP BY entity_type, entity_id, person
), calendar AS ( -- periods that are as long as so many months
  SELECT grain, months FROM (VALUES ('month', 1), ('quarter', 3), ('biannual', 6), ('year', 12)) AS lengths(grain, months)
), history AS ( -- what came before, in earlier calendar periods: of windows, which overlap, no metric asks
  SELECT
    metric_source, entity_type, entity_id, person, grain, sample_date, is_latest, developer_days, commits,
    MAX(CASE WHEN developer_days > 0 THEN sample_date END) OVER (
      PARTITION BY entity_type, entity_id, person, grain, is_latest ORDER BY sample_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_sample_date,
    MAX(last_day) OVER (
      PARTITION BY entity_type, entity_id, person, grain, is_latest ORDER BY sample_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_day,
    SUM(contributions) OVER (
      PARTITION BY entity_type, entity_id, person, grain, is_latest ORDER BY sample_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_contributions
  FROM in_period
), pauses AS ( -- who commits in a period and not in the next
  SELECT
    commits.entity_type, commits.entity_id, commits.grain, calendar.months,
    CAST(DATE_ADD('month', calendar.months, commits.sample_date) AS DATE) AS gone_on,
    CAST(DATE_ADD('month', 2 * calendar.months, commits.sample_date) AS DATE) AS dormant_from, commits.back_on
  FROM (
    SELECT entity_type, entity_id, grain, sample_date,
      LEAD(sample_date) OVER (PARTITION BY entity_type, entity_id, person, grain ORDER BY sample_date) AS back_on
    FROM in_period
    WHERE developer_days > 0 AND grain IN ('month', 'quarter', 'biannual', 'year')
  ) AS commits
  INNER JOIN calendar ON commits.grain = calendar.grain
), changes AS ( -- how many people churn in a period, become dormant in it or are dormant no more
  SELECT entity_type, entity_id, grain, months, gone_on AS sample_date, 1 AS churned, 0 AS dormant
  FROM pauses WHERE back_on IS NULL OR back_on > gone_on
  UNION ALL
  SELECT entity_type, entity_id, grain, months, dormant_from AS sample_date, 0 AS churned, 1 AS dormant
  FROM pauses WHERE back_on IS NULL OR back_on > gone_on
  UNION ALL
  SELECT entity_type, entity_id, grain, months, back_on AS sample_date, 0 AS churned, -1 AS dormant
  FROM pauses WHERE back_on > gone_on
), months AS (
  SELECT CAST(listed.month AS DATE) AS month
  FROM (SELECT MIN(changes.sample_date) AS first_month, MAX(as_of.day) AS last_day FROM changes CROSS JOIN as_of) AS span
  CROSS JOIN UNNEST(SEQUENCE(span.first_month, span.last_day, INTERVAL '1' MONTH)) AS listed(month)
  WHERE span.first_month <= span.last_day
), absences AS ( -- every period since the first change: the dormant of one are so in the next, unless they come back
  SELECT
    spans.entity_type, spans.entity_id, spans.grain, spans.months, months.month AS sample_date, SUM(COALESCE(changed.churned, 0)) AS churned,
    SUM(SUM(COALESCE(changed.dormant, 0))) OVER (PARTITION BY spans.entity_type, spans.entity_id, spans.grain ORDER BY months.month) AS dormant
  FROM (SELECT entity_type, entity_id, grain, months, MIN(sample_date) AS first_change FROM changes GROUP BY entity_type, entity_id, grain, months) AS spans
  INNER JOIN months ON months.month >= spans.first_change AND MOD(MONTH(months.month) - 1, spans.months) = 0
  LEFT JOIN changes AS changed
    ON spans.entity_type = changed.entity_type AND spans.entity_id = changed.entity_id AND spans.grain = changed.grain AND months.month = changed.sample_date
  GROUP BY spans.entity_type, spans.entity_id, spans.grain, spans.months, months.month
), people AS (
  SELECT
    history.metric_source, history.entity_type, history.entity_id, history.grain, history.sample_date, history.is_latest,
    history.developer_days, history.commits, firsts.first_day, firsts.first_commit_day,
    CASE history.grain
      WHEN 'week' THEN history.developer_days > 0 AND history.previous_sample_date < CAST(DATE_ADD('day', -7, history.sample_date) AS DATE)
      ELSE history.developer_days > 0 AND history.previous_sample_date < CAST(DATE_ADD('month', -calendar.months, history.sample_date) AS DATE)
    END AS is_back,
    history.previous_day < CAST(DATE_ADD('month', -3, history.sample_date) AS DATE) AND history.previous_contributions <= 12 AS is_episodic,
    SUM(history.commits) OVER (PARTITION BY history.entity_type, history.entity_id, history.grain, history.sample_date, history.is_latest) AS all_commits,
    SUM(history.commits) OVER (
      PARTITION BY history.entity_type, history.entity_id, history.grain, history.sample_date, history.is_latest
      ORDER BY history.commits DESC, history.person
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) - history.commits AS commits_of_busier,
    0 AS churned, 0 AS dormant
  FROM history
  INNER JOIN firsts
    ON history.entity_type = firsts.entity_type AND history.entity_id = firsts.entity_id AND history.person = firsts.person
  LEFT JOIN calendar ON history.grain = calendar.grain
  UNION ALL
  SELECT
    'GITHUB' AS metric_source, absences.entity_type, absences.entity_id, absences.grain, absences.sample_date, FALSE AS is_latest,
    0 AS developer_days, 0 AS commits, CAST(NULL AS DATE) AS first_day, CAST(NULL AS DATE) AS first_commit_day, FALSE AS is_back, FALSE AS is_episodic,
    0 AS all_commits, 0 AS commits_of_busier, absences.churned, absences.dormant
  FROM absences
  CROSS JOIN as_of
  WHERE CAST(DATE_ADD('month', absences.months, absences.sample_date) AS DATE) <= as_of.day
), wide AS (
  @metric_values(github_people, people)
), long AS (
  @metric_rows(github_people, wide)
), named AS (
  SELECT @entity_id('OSO', 'oso', metric_name) AS metric_id, metric_name, metric_source, metric, entity_type, entity_id, grain, sample_date, is_latest, amount
  FROM long
)
SELECT
  @metric_columns()
FROM named
