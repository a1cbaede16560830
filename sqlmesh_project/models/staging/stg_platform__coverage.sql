MODEL (
  name staging.stg_platform__coverage,
  kind VIEW,
  description 'Of what truly happened upstream, the share that the platform holds: what was measured last of each table, category and span.',
  owner 'team:data',
  grain (table_name, category, since, until),
  audits (
    unique_combination_of_columns(columns := (table_name, category, since, until)),
    not_null(columns := (table_name, category, measured_at, target, verdict)),
    accepted_values(column := verdict, is_in := ('compliant', 'breached', 'no_data'))
  )
);

WITH ranked AS (
  SELECT table_name, category, measured_at, since, until, coverage_low, coverage_high, target, verdict,
    ROW_NUMBER() OVER (PARTITION BY table_name, category, since, until ORDER BY measured_at DESC) AS place
  FROM platform.coverage
)
SELECT
  CAST(table_name AS VARCHAR) AS table_name, -- Raw table, as source.table
  CAST(category AS VARCHAR) AS category, -- Category of its rows: event type, chain …; empty text for the whole table
  CAST(measured_at AS TIMESTAMP(6) WITH TIME ZONE) AS measured_at, -- When upstream was asked for its count
  CAST(@utc_day(since) AS DATE) AS since, -- First day of the span; empty: from the first
  CAST(@utc_day(until) AS DATE) AS until, -- First day after the span; empty: to the last
  CAST(coverage_low AS DOUBLE) AS coverage_low, -- Share that is held, at least; above 1: more than is really there
  CAST(coverage_high AS DOUBLE) AS coverage_high, -- Share that is held, at most
  CAST(target AS DOUBLE) AS target, -- Share that is promised
  CAST(verdict AS VARCHAR) AS verdict -- compliant, breached or no_data (nothing to compare with)
FROM ranked
WHERE place = 1
