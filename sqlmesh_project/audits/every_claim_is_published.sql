-- A claim of a project that does not show among its artifacts: its project is missing, or the join lost it.
-- It blocks: the join is of this project, no data excuses it.
AUDIT (name every_claim_is_published);

SELECT claims.project_name, claims.artifact_source, claims.artifact_namespace, claims.artifact_name
FROM intermediate.int_claimed_artifacts AS claims
LEFT JOIN @this_model AS pairs
  ON claims.project_name = pairs.project_name AND claims.artifact_id = pairs.artifact_id
WHERE pairs.artifact_id IS NULL
