CREATE TABLE piston3_consumer (
    id bigserial PRIMARY KEY,
    name varchar(255) NOT NULL,
    description text NOT NULL,
    key varchar(18) NOT NULL,
    secret varchar(32) NOT NULL,
    status varchar(16) NOT NULL,
    user_id integer REFERENCES auth_user ON DELETE CASCADE
);
CREATE TABLE piston3_token (
    id bigserial PRIMARY KEY,
    key varchar(18) NOT NULL,
    secret varchar(32) NOT NULL,
    verifier varchar(10) NOT NULL,
    token_type integer NOT NULL,
    timestamp integer NOT NULL,
    is_approved boolean NOT NULL,
    callback varchar(255),
    callback_confirmed boolean NOT NULL,
    consumer_id bigint NOT NULL REFERENCES piston3_consumer ON DELETE CASCADE,
    user_id integer REFERENCES auth_user ON DELETE CASCADE
);
