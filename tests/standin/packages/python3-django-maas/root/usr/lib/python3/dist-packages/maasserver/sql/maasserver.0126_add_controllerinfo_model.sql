CREATE TABLE maasserver_controllerinfo (
    node_id bigint PRIMARY KEY REFERENCES maasserver_node ON DELETE CASCADE,
    version varchar(255)
);
