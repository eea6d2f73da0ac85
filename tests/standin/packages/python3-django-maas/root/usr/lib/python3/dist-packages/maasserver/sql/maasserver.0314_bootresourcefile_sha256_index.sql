-- Images are files on each region's disk from 3.5 on.
CREATE INDEX ON maasserver_bootresourcefile (sha256);
CREATE TABLE maasserver_bootresourcefilesync (
    id bigserial PRIMARY KEY,
    file_id bigint NOT NULL REFERENCES maasserver_bootresourcefile ON DELETE CASCADE,
    region_id bigint NOT NULL REFERENCES maasserver_node ON DELETE CASCADE,
    size bigint NOT NULL,
    UNIQUE (file_id, region_id)
);
