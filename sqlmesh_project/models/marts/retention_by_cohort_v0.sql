MODEL (
  name marts.retention_by_cohort_v0,
  kind FULL,
  description 'Of the people who first committed to an entity in a month (a cohort), how many committed in each later month. Months that are over; bots are left out; a month in which none came back has no row.',
  owner 'team:data',
  grain (entity_type, entity_id, cohort_month, sample_date),
  audits (
    unique_combination_of_columns(columns := (entity_type, entity_id, cohort_month, sample_date)),
    not_null(columns := (entity_type, entity_id, cohort_month, sample_date, months_since, cohort_size, retained, amount))
  )
);

WITH months AS (
  SELECT DISTINCT
    entities.entity_type, entities.entity_id, events.from_person AS person, CAST(DATE_TRUNC('month', events.bucket_day) AS DATE) AS month
  FROM intermediate.int_events_daily__github AS events
  INNER JOIN intermediate.int_entities_by_artifact AS entities ON events.to_artifact_id = entities.artifact_id
  WHERE events.event_type = 'COMMIT_CODE' AND events.from_person IS NOT NULL AND NOT events.from_artifact_is_bot
    AND events.bucket_day < CAST(DATE_TRUNC('month', CAST(@execution_ds AS DATE)) AS DATE)
), cohorts AS (
  SELECT entity_type, entity_id, person, MIN(month) AS cohort_month FROM months GROUP BY entity_type, entity_id, person
), sizes AS (
  SELECT entity_type, entity_id, cohort_month, COUNT(*) AS cohort_size FROM cohorts GROUP BY entity_type, entity_id, cohort_month
), retained AS (
  SELECT cohorts.entity_type, cohorts.entity_id, cohorts.cohort_month, months.month, COUNT(*) AS retained
  FROM cohorts
  INNER JOIN months ON cohorts.entity_type = months.entity_type AND cohorts.entity_id = months.entity_id AND cohorts.person = months.person
  GROUP BY cohorts.entity_type, cohorts.entity_id, cohorts.cohort_month, months.month
)
SELECT
  CAST(retained.entity_type AS VARCHAR) AS entity_type, -- artifact, project or collection
  CAST(retained.entity_id AS VARCHAR) AS entity_id, -- Id of the entity
  CAST(retained.cohort_month AS DATE) AS cohort_month, -- First day of the month in which the people first committed
  CAST(retained.month AS DATE) AS sample_date, -- First day of the month in which they committed again; the first is that of the cohort
  CAST(12 * (YEAR(retained.month) - YEAR(retained.cohort_month)) + MONTH(retained.month) - MONTH(retained.cohort_month) AS BIGINT) AS months_since, -- Months between the two
  CAST(sizes.cohort_size AS BIGINT) AS cohort_size, -- People of the cohort
  CAST(retained.retained AS BIGINT) AS retained, -- Those of them who committed in the month
  CAST(CAST(retained.retained AS DOUBLE) / sizes.cohort_size AS DOUBLE) AS amount -- Their share
FROM retained
INNER JOIN sizes
  ON retained.entity_type = sizes.entity_type AND retained.entity_id = sizes.entity_id AND retained.cohort_month = sizes.cohort_month
