MODEL (
  name intermediate.int_entities_by_artifact,
  kind FULL,
  description 'Whom an artifact counts for: itself, its projects, their collections. A collection that reaches it through two projects counts it once.',
  owner 'team:data',
  grain (artifact_id, entity_type, entity_id),
  audits (
    unique_combination_of_columns(columns := (artifact_id, entity_type, entity_id)),
    not_null(columns := (artifact_id, entity_type, entity_id)),
    accepted_values(column := entity_type, is_in := ('artifact', 'project', 'collection')),
    refers_to(column := artifact_id, parent := intermediate.int_artifacts, parent_column := artifact_id)
  )
);

WITH entities AS (
  SELECT artifact_id, 'artifact' AS entity_type, artifact_id AS entity_id FROM intermediate.int_artifacts
  UNION ALL
  SELECT artifact_id, 'project' AS entity_type, project_id AS entity_id FROM intermediate.int_artifacts_by_project
  UNION
  SELECT artifacts.artifact_id, 'collection' AS entity_type, collections.collection_id AS entity_id
  FROM intermediate.int_artifacts_by_project AS artifacts
  INNER JOIN intermediate.int_projects_by_collection AS collections ON artifacts.project_id = collections.project_id
)
SELECT
  CAST(artifact_id AS VARCHAR) AS artifact_id, -- Id of the artifact
  CAST(entity_type AS VARCHAR) AS entity_type, -- artifact, project or collection
  CAST(entity_id AS VARCHAR) AS entity_id -- Id of the entity
FROM entities
