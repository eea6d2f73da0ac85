CREATE TABLE maasserver_service (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    status varchar(10) NOT NULL,
    status_info varchar(255) NOT NULL,
    node_id bigint NOT NULL REFERENCES maasserver_node ON DELETE CASCADE,
    UNIQUE (node_id, name)
);
