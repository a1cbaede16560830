MODEL (
  name staging.stg_platform__verdicts,
  kind VIEW,
  description 'The newest verdict of each day on each objective of the platform, as its ledger has it.',
  owner 'team:platform',
  grain (service, objective, day),
  audits (
    unique_combination_of_columns(columns := (service, objective, day)),
    not_null(columns := (service, objective, day, evaluated_at, verdict, good, valid, target, reason)),
    accepted_values(column := verdict, is_in := ('compliant', 'at_risk', 'breached', 'no_data'))
  )
);

SELECT
  CAST(service AS VARCHAR) AS service, -- Service that makes the promise
  CAST(objective AS VARCHAR) AS objective, -- Objective of the service
  CAST(day AS DATE) AS day, -- Day in UTC
  CAST(evaluated_at AS TIMESTAMP(6) WITH TIME ZONE) AS evaluated_at, -- When the newest verdict of the day was given
  CAST(verdict AS VARCHAR) AS verdict, -- compliant, at_risk, breached or no_data
  CAST(good AS BIGINT) AS good, -- Good events of the indicator
  CAST(valid AS BIGINT) AS valid, -- Valid events of the indicator; 0: nothing was counted
  CAST(target AS DOUBLE) AS target, -- Share that is promised to be good
  CAST(window_seconds AS BIGINT) AS window_seconds, -- Length of the window that is judged; null: a point in time
  CAST(allowed_failures AS BIGINT) AS allowed_failures, -- How many of the valid events may be bad; null: there is no error budget
  CAST(budget_left AS DOUBLE) AS budget_left, -- Share of the error budget that is left; negative: overspent; null: no budget
  CAST(burn AS DOUBLE) AS burn, -- Error rate divided by the budget: 1 spends it exactly; null: no budget
  CAST(reason AS VARCHAR) AS reason, -- The verdict as a sentence, with its numbers
  CAST(guilty_assets AS ARRAY(VARCHAR)) AS guilty_assets -- Public assets with bad events, the worst first
FROM platform.verdicts
