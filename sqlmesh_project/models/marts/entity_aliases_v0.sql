MODEL (
  name marts.entity_aliases_v0,
  kind VIEW,
  description 'The ids of entities in the two forms that OSO has published: base64, which all other tables have, and lower-case hexadecimal.',
  owner 'team:data',
  grain (entity_type, entity_id),
  audits (
    unique_combination_of_columns(columns := (entity_type, entity_id)),
    not_null(columns := (entity_type, entity_id, entity_id_hex))
  )
);

WITH entities AS (
  SELECT 'artifact' AS entity_type, artifact_source AS source, artifact_namespace AS namespace, artifact_name AS name FROM intermediate.int_artifacts
  UNION ALL
  SELECT 'project' AS entity_type, project_source AS source, project_namespace AS namespace, project_name AS name FROM intermediate.int_projects
  UNION ALL
  SELECT 'collection' AS entity_type, collection_source AS source, collection_namespace AS namespace, collection_name AS name
  FROM intermediate.int_collections
)
SELECT
  CAST(entity_type AS VARCHAR) AS entity_type, -- artifact, project or collection
  CAST(@entity_id(source, namespace, name) AS VARCHAR) AS entity_id, -- Id: base64(sha256(source + namespace + name))
  CAST(@entity_id_hex(source, namespace, name) AS VARCHAR) AS entity_id_hex -- The same hash in lower-case hexadecimal digits
FROM entities
