-- An artifact that a project claims and that is not among the artifacts. It blocks: joins would drop what the project has.
AUDIT (name refers_to_every_claim);

SELECT claims.artifact_source, claims.artifact_namespace, claims.artifact_name
FROM intermediate.int_claimed_artifacts AS claims
LEFT JOIN @this_model AS artifacts ON claims.artifact_id = artifacts.artifact_id
WHERE artifacts.artifact_id IS NULL
