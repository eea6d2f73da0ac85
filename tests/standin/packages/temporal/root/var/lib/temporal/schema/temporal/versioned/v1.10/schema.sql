CREATE TABLE namespaces (id bytea PRIMARY KEY, name varchar(255) UNIQUE NOT NULL);

-- Who takes part in the cluster: Temporal's own columns, so that they can be asked for.
CREATE TABLE cluster_membership (
    membership_partition integer NOT NULL,
    host_id bytea NOT NULL,
    rpc_address varchar(128) NOT NULL,
    rpc_port smallint NOT NULL,
    role smallint NOT NULL,
    session_start timestamp,
    last_heartbeat timestamp,
    record_expiry timestamp,
    PRIMARY KEY (membership_partition, host_id)
);
