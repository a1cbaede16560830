MODEL (
  name staging.stg_oss_directory__addresses,
  kind VIEW,
  description 'Every blockchain address that projects of OSS Directory list, one row per entry. No entry is left out.',
  owner 'team:data',
  grain (project_name, position),
  audits (
    unique_combination_of_columns(columns := (project_name, position)),
    not_null(columns := (project_name, position))
  )
);

SELECT
  CAST(project_name AS VARCHAR) AS project_name, -- Project that lists the address
  CAST(position AS BIGINT) AS position, -- Place in the list, from 0
  CAST(@trimmed(address) AS VARCHAR) AS address, -- Address as it stands in the directory, without blanks at its ends
  CAST(
    CASE
      WHEN CARDINALITY(networks) > 0 THEN networks
      ELSE ARRAY[CAST(NULL AS VARCHAR)]
    END AS ARRAY(VARCHAR)
  ) AS networks -- Networks that it lives on; one empty network when the entry names none
FROM oss_directory.projects__blockchain
