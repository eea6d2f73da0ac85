CREATE TABLE maasserver_secret (path text PRIMARY KEY, value jsonb NOT NULL);
