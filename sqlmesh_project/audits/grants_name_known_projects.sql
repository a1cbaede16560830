-- A grant to a project that OSS Directory does not have: its receiver belongs to no project until the name is put right.
-- It does not block: the grant counts for its giver, and the name is OSS Funding's.
AUDIT (name grants_name_known_projects, blocking false);

SELECT events.to_project_name, COUNT(*) AS grants
FROM @this_model AS events
LEFT JOIN intermediate.int_projects AS projects ON events.to_artifact_id = projects.project_id
WHERE events.to_artifact_id IS NOT NULL AND projects.project_id IS NULL
GROUP BY events.to_project_name
