CREATE TABLE executions_visibility (namespace_id char(64), run_id char(64), PRIMARY KEY (namespace_id, run_id));
