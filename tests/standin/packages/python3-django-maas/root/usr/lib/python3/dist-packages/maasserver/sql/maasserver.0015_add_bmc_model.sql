CREATE TABLE maasserver_bmc (id bigserial PRIMARY KEY, name varchar(255) NOT NULL);
