MODEL (
  name staging.seed_models,
  kind SEED (path '../../seeds/models.csv'),
  description 'The models of this project and what each derives from; written by .ci/model_list.py, and held to the project by a test.',
  owner 'team:data',
  grain model_name,
  columns (model_name VARCHAR, kind VARCHAR, raw_tables VARCHAR, sources VARCHAR, unstable_sources VARCHAR),
  column_descriptions (
    model_name = 'Model, as layer.name', kind = 'Kind, as SQLMesh names it', raw_tables = 'Raw tables that it derives from, with ; between them',
    sources = 'Sources of these tables, with ; between them', unstable_sources = 'Those of them that are unstable: they taint the model'
  ),
  audits (unique_values(columns := model_name), not_null(columns := (model_name, kind)))
);
