ALTER TABLE maasserver_bootresourcefile ADD COLUMN filename_on_disk varchar(64) NOT NULL DEFAULT '';
