MODEL (
  name staging.stg_platform__sprints,
  kind VIEW,
  description 'The remedial sprints of objectives that were missed, as the ledger of the platform has them.',
  owner 'team:platform',
  grain sprint_id,
  audits (
    unique_values(columns := sprint_id),
    not_null(columns := (sprint_id, service, objective, phase, opened_at, missed_at, good, valid, target)),
    accepted_values(column := phase, is_in := ('open', 'recovering', 'closed'))
  )
);

SELECT
  CAST(sprint_id AS VARCHAR) AS sprint_id, -- The objective, and when the sprint was opened
  CAST(service AS VARCHAR) AS service, -- Service that makes the promise
  CAST(objective AS VARCHAR) AS objective, -- Objective of the service
  CAST(phase AS VARCHAR) AS phase, -- open, recovering (met, not yet for long enough) or closed
  CAST(opened_at AS TIMESTAMP(6) WITH TIME ZONE) AS opened_at, -- When the objective was missed
  CAST(closed_at AS TIMESTAMP(6) WITH TIME ZONE) AS closed_at, -- When it had been met for long enough; null: not closed
  CAST(missed_at AS TIMESTAMP(6) WITH TIME ZONE) AS missed_at, -- When it was last missed, with numbers other than before
  CAST(good AS BIGINT) AS good, -- Good events when it was last missed
  CAST(valid AS BIGINT) AS valid, -- Valid events when it was last missed
  CAST(target AS DOUBLE) AS target, -- Share that is promised to be good
  CAST(guilty_assets AS ARRAY(VARCHAR)) AS guilty_assets -- Public assets that had bad events when it was last missed
FROM platform.sprints
