MODEL (
  name intermediate.int_organizations_by_project,
  kind FULL,
  description 'GitHub organisations that projects claim. They are counted here; int_artifacts_by_project expands them to the repositories that GitHub lists.',
  owner 'team:data',
  grain (project_name, position),
  audits (
    unique_combination_of_columns(columns := (project_name, position)),
    not_null(columns := (project_name, position, organization_source, organization_name))
  )
);

SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that claims the organisation
  CAST(position AS BIGINT) AS position, -- Place in its list, from 0
  CAST(kind AS VARCHAR) AS kind, -- List that the entry stands in
  CAST(entry AS VARCHAR) AS entry, -- Address as it stands in the directory
  CAST(artifact_source AS VARCHAR) AS organization_source, -- System that the organisation lives in
  CAST(artifact_namespace AS VARCHAR) AS organization_name -- Name of the organisation, in lower case
FROM intermediate.int_claims
WHERE outcome = 'organization'
