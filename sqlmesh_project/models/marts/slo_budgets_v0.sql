MODEL (
  name marts.slo_budgets_v0,
  kind VIEW,
  description 'What was left of the error budget of each objective that has one, by day (UTC), of the last 400 days. An objective without a budget (all is promised, or each asset by itself) has no row, nor a day on which nothing was counted.',
  owner 'team:platform',
  grain (service, objective, day),
  audits (
    unique_combination_of_columns(columns := (service, objective, day)),
    not_null(columns := (service, objective, day, evaluated_at, good, valid, target, allowed_failures, budget_left, burn))
  )
);

SELECT
  CAST(service AS VARCHAR) AS service, -- Service that makes the promise
  CAST(objective AS VARCHAR) AS objective, -- Objective of the service
  CAST(day AS DATE) AS day, -- Day in UTC
  CAST(evaluated_at AS TIMESTAMP(6) WITH TIME ZONE) AS evaluated_at, -- When the newest verdict of the day was given
  CAST(good AS BIGINT) AS good, -- Good events of the indicator
  CAST(valid AS BIGINT) AS valid, -- Valid events of the indicator; 0: nothing was counted
  CAST(target AS DOUBLE) AS target, -- Share that is promised to be good
  CAST(window_seconds AS BIGINT) AS window_seconds, -- Length of the window that is judged; null: a point in time
  CAST(allowed_failures AS BIGINT) AS allowed_failures, -- How many of the valid events may be bad; null: there is no error budget
  CAST(budget_left AS DOUBLE) AS budget_left, -- Share of the error budget that is left; negative: overspent; null: no budget
  CAST(burn AS DOUBLE) AS burn -- Error rate divided by the budget: 1 spends it exactly; null: no budget
FROM staging.stg_platform__verdicts
WHERE burn IS NOT NULL
