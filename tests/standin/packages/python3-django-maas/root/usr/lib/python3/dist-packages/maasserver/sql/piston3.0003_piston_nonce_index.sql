CREATE TABLE piston3_nonce (
    id bigserial PRIMARY KEY,
    token_key varchar(18) NOT NULL,
    consumer_key varchar(18) NOT NULL,
    key varchar(255) NOT NULL,
    UNIQUE (consumer_key, token_key, key)
);
