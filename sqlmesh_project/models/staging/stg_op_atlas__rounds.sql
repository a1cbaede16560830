MODEL (
  name staging.stg_op_atlas__rounds,
  kind VIEW,
  description 'Rounds of OP Atlas and the projects that applied: what was awarded to each of them, so far as it was.',
  owner 'team:data',
  grain (round_name, project_name),
  audits (
    unique_combination_of_columns(columns := (round_name, project_name)),
    not_null(columns := round_name)
  )
);

WITH members AS (
  SELECT round_id, project_id FROM op_atlas.application
  UNION
  SELECT round_id, project_id FROM op_atlas.funding_reward
), rewards AS (
  SELECT round_id, project_id, SUM(CAST(amount AS DOUBLE)) AS amount, MIN(created_at) AS rewarded_at FROM op_atlas.funding_reward GROUP BY round_id, project_id
)
SELECT
  CAST(rounds.id AS VARCHAR) AS round_name, -- Id of the round
  CAST(rounds.name AS VARCHAR) AS display_name, -- Name for people
  CAST(rounds.description AS VARCHAR) AS description, -- What the round is for
  CAST(projects.id AS VARCHAR) AS project_name, -- Id of a project that applied; empty for a round without any
  CAST(rewards.amount AS DOUBLE) AS reward, -- What it was awarded, in OP; empty where nothing was
  CAST(rewards.rewarded_at AS TIMESTAMP(6) WITH TIME ZONE) AS rewarded_at -- When that was written down, UTC
FROM op_atlas.funding_round AS rounds
LEFT JOIN members ON rounds.id = members.round_id
LEFT JOIN op_atlas.project AS projects ON members.project_id = projects.id AND projects.deleted_at IS NULL
LEFT JOIN rewards ON members.round_id = rewards.round_id AND projects.id = rewards.project_id
WHERE members.project_id IS NULL OR projects.id IS NOT NULL
