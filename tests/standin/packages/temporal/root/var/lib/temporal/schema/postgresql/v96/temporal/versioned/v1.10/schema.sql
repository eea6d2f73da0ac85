CREATE TABLE IF NOT EXISTS namespaces (id bytea PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);
