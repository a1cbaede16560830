-- A value of @column that stands in no row of @parent.@parent_column. It blocks: joins would drop the row without a word.
AUDIT (name refers_to);

SELECT child.@column AS missing
FROM @this_model AS child
LEFT JOIN @parent AS parent ON child.@column = parent.@parent_column
WHERE child.@column IS NOT NULL AND parent.@parent_column IS NULL
