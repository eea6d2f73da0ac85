-- The other two lasting triggers. 3.7 does not drop them and no longer makes them: a database that
-- it upgraded has two more than one that it made (maas-37-region-run.md 1).
CREATE FUNCTION standin_token_changed() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER standin_token_link AFTER INSERT ON piston3_token
    FOR EACH ROW EXECUTE FUNCTION standin_token_changed();
CREATE TRIGGER standin_token_unlink AFTER DELETE ON piston3_token
    FOR EACH ROW EXECUTE FUNCTION standin_token_changed();
