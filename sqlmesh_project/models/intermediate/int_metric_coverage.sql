MODEL (
  name intermediate.int_metric_coverage,
  kind FULL,
  description 'How complete the numbers of a metric are, by span: measured, as the least of its inputs, and by what is known of how their upstreams changed.',
  owner 'team:data',
  grain (metric_source, metric, since, until, regime),
  audits (
    unique_combination_of_columns(columns := (metric_source, metric, since, until, regime)),
    not_null(columns := (metric_source, metric, regime, standing, reason)),
    accepted_values(column := standing, is_in := ('complete', 'lower_bound', 'withheld', 'not_measured'))
  )
);

WITH inputs AS (
  @metric_inputs()
), of_inputs AS ( -- chains are sources of metrics of their own
  SELECT
    inputs.metric, inputs.withheld_below, measured.table_name || CASE WHEN measured.category = '' THEN '' ELSE ' ' || measured.category END AS input,
    CASE
      WHEN inputs.category = '*' THEN UPPER(CASE measured.category WHEN 'op' THEN 'optimism' ELSE measured.category END)
      WHEN inputs.relation LIKE 'github%' THEN 'GITHUB'
      ELSE '*'
    END AS metric_source,
    measured.since, measured.until, 'measured' AS regime, measured.coverage_low, measured.coverage_high, measured.verdict,
    CASE measured.verdict WHEN 'breached' THEN 1 ELSE 0 END AS is_breached, CASE measured.verdict WHEN 'no_data' THEN 0 ELSE 1 END AS is_measured,
    measured.measured_at, CAST(NULL AS VARCHAR) AS reason
  FROM inputs
  INNER JOIN staging.stg_platform__coverage AS measured
    ON inputs.table_name = measured.table_name AND (inputs.category = measured.category OR inputs.category = '*')
  UNION ALL
  SELECT
    inputs.metric, 0 AS withheld_below, regimes.table_name || CASE WHEN inputs.category = '' THEN '' ELSE ' ' || inputs.category END AS input,
    CASE WHEN inputs.relation LIKE 'github%' THEN 'GITHUB' ELSE '*' END AS metric_source,
    CAST(regimes.since AS DATE) AS since, CAST(regimes.until AS DATE) AS until, regimes.regime, regimes.coverage_low, regimes.coverage_high, regimes.standing AS verdict,
    1 AS is_breached, 1 AS is_measured, CAST(NULL AS TIMESTAMP(6) WITH TIME ZONE) AS measured_at, regimes.reason || ' (' || regimes.read_in || ')' AS reason
  FROM inputs
  INNER JOIN staging.seed_regimes AS regimes
    ON inputs.table_name = regimes.table_name AND (inputs.category = regimes.category OR regimes.category = '*')
), combined AS (
  SELECT
    metric_source, metric, since, until, regime, MIN(coverage_low) AS coverage_low, MIN(coverage_high) AS coverage_high, MAX(is_breached) AS is_breached,
    MIN(is_measured) AS all_measured, MAX(is_measured) AS any_measured, MAX(withheld_below) AS withheld_below, MAX(measured_at) AS measured_at,
    MIN(reason) AS reason, ARRAY_JOIN(ARRAY_AGG(DISTINCT input ORDER BY input), ', ') AS inputs,
    ARRAY_JOIN(ARRAY_AGG(DISTINCT CASE WHEN is_breached = 1 THEN input END ORDER BY CASE WHEN is_breached = 1 THEN input END), ', ') AS hollow
  FROM of_inputs
  GROUP BY metric_source, metric, since, until, regime
), judged AS (
  SELECT
    metric_source, metric, since, until, regime, coverage_low, coverage_high, measured_at, reason, inputs, hollow, withheld_below,
    CASE
      WHEN is_breached = 1 AND coverage_high < withheld_below THEN 'withheld'
      WHEN is_breached = 1 THEN 'lower_bound'
      WHEN all_measured = 1 THEN 'complete'
      ELSE 'not_measured'
    END AS standing
  FROM combined
)
SELECT
  CAST(metric_source AS VARCHAR) AS metric_source, -- What the names begin with: GITHUB, a chain; * for all
  CAST(metric AS VARCHAR) AS metric, -- Metric, as the registry names it
  CAST(since AS DATE) AS since, -- First day of the span; empty: from the first
  CAST(until AS DATE) AS until, -- First day after the span; empty: to the last, or while it lasts
  CAST(regime AS VARCHAR) AS regime, -- measured, or the name of a regime of seed_regimes
  CAST(coverage_low AS DOUBLE) AS coverage_low, -- Share of what truly happened that is held, at least, of the input that lacks most; empty where nobody knows
  CAST(coverage_high AS DOUBLE) AS coverage_high, -- Share that is held, at most; empty where nobody knows
  CAST(standing AS VARCHAR) AS standing, -- complete, lower_bound, withheld (not published) or not_measured
  CAST(
    COALESCE(reason, CASE standing
      WHEN 'complete' THEN 'what is held is as much as promised of ' || inputs
      WHEN 'not_measured' THEN 'there was nothing to compare with: ' || inputs
      WHEN 'withheld' THEN 'less than ' || CAST(CAST(ROUND(100 * withheld_below) AS BIGINT) AS VARCHAR) || ' % is held of ' || hollow
      ELSE 'less is held than promised of ' || hollow
    END) AS VARCHAR
  ) AS reason, -- Why, with the inputs
  CAST(measured_at AS TIMESTAMP(6) WITH TIME ZONE) AS measured_at -- When the newest of its inputs was measured; empty for a regime
FROM judged
