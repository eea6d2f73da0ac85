ALTER TABLE maasserver_sshkey ADD COLUMN keysource text;
