-- A claim that is neither rejected nor an organisation, and yet lacks a part of its identity.
-- It blocks: such a row would get an id that belongs to nothing.
AUDIT (name accepted_claim_is_named);

SELECT project_name, kind, position, url
FROM @this_model
WHERE reason IS NULL
  AND (artifact_source IS NULL OR artifact_namespace IS NULL OR (artifact_name IS NULL AND NOT is_organization))
