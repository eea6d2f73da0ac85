ALTER TABLE maasserver_userprofile ADD COLUMN completed_intro boolean NOT NULL DEFAULT false;
