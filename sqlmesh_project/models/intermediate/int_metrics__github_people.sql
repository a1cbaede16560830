MODEL (
  name intermediate.int_metrics__github_people,
  kind FULL,
  description 'Metrics of people in repositories of GitHub by how they take part: how many days, since when, after which pause, with which share. Bots are left out, and commits of which no account is known.',
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
    SUM(CASE WHEN events.event_type = 'COMMIT_CODE' THEN events.amount ELSE 0 END) AS commits,
    MAX(CASE WHEN events.event_type = 'COMMIT_CODE' THEN 1 ELSE 0 END) AS has_committed
  FROM intermediate.int_events_daily__github AS events
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
  WHERE events.from_person IS NOT NULL
    AND NOT events.from_artifact_is_bot
    AND events.event_type IN ('COMMIT_CODE', 'ISSUE_OPENED', 'PULL_REQUEST_OPENED', 'PULL_REQUEST_MERGED')
  GROUP BY entities.entity_type, entities.entity_id, events.from_person, events.bucket_day
), periods AS (
  @in_periods(rows_of_entities, (metric_source, entity_type, entity_id, person, commits, has_committed))
), in_period AS ( -- a person's period
  SELECT
    metric_source, entity_type, entity_id, person, grain, sample_date, is_latest,
    SUM(has_committed) AS developer_days, SUM(commits) AS commits
  FROM periods
  GROUP BY metric_source, entity_type, entity_id, person, grain, sample_date, is_latest
), firsts AS (
  SELECT entity_type, entity_id, person, MIN(bucket_day) AS first_day, MIN(CASE WHEN has_committed = 1 THEN bucket_day END) AS first_commit_day
  FROM rows_of_entities
  GROUP BY entity_type, entity_id, person
), developer_periods AS (
  SELECT
    entity_type, entity_id, person, grain, sample_date, is_latest,
    LAG(sample_date) OVER (PARTITION BY entity_type, entity_id, person, grain, is_latest ORDER BY sample_date) AS previous_sample_date
  FROM in_period
  WHERE developer_days > 0
), people AS (
  SELECT
    in_period.metric_source, in_period.entity_type, in_period.entity_id, in_period.grain, in_period.sample_date, in_period.is_latest,
    in_period.developer_days, in_period.commits, firsts.first_day, firsts.first_commit_day,
    CASE in_period.grain
      WHEN 'week' THEN developer_periods.previous_sample_date < CAST(DATE_ADD('day', -7, in_period.sample_date) AS DATE)
      WHEN 'month' THEN developer_periods.previous_sample_date < CAST(DATE_ADD('month', -1, in_period.sample_date) AS DATE)
      WHEN 'quarter' THEN developer_periods.previous_sample_date < CAST(DATE_ADD('month', -3, in_period.sample_date) AS DATE)
      WHEN 'biannual' THEN developer_periods.previous_sample_date < CAST(DATE_ADD('month', -6, in_period.sample_date) AS DATE)
      WHEN 'year' THEN developer_periods.previous_sample_date < CAST(DATE_ADD('month', -12, in_period.sample_date) AS DATE)
      ELSE FALSE
    END AS is_back,
    SUM(in_period.commits) OVER (PARTITION BY in_period.entity_type, in_period.entity_id, in_period.grain, in_period.sample_date, in_period.is_latest) AS all_commits,
    SUM(in_period.commits) OVER (
      PARTITION BY in_period.entity_type, in_period.entity_id, in_period.grain, in_period.sample_date, in_period.is_latest
      ORDER BY in_period.commits DESC, in_period.person
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) - in_period.commits AS commits_of_busier
  FROM in_period
  INNER JOIN firsts
    ON in_period.entity_type = firsts.entity_type AND in_period.entity_id = firsts.entity_id AND in_period.person = firsts.person
  LEFT JOIN developer_periods
    ON in_period.entity_type = developer_periods.entity_type AND in_period.entity_id = developer_periods.entity_id
    AND in_period.person = developer_periods.person AND in_period.grain = developer_periods.grain
    AND in_period.sample_date = developer_periods.sample_date AND in_period.is_latest = developer_periods.is_latest
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
