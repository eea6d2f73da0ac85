CREATE TABLE auth_user (
    id serial PRIMARY KEY,
    password varchar(128) NOT NULL,
    last_login timestamptz,
    is_superuser boolean NOT NULL,
    username varchar(150) NOT NULL UNIQUE,
    first_name varchar(150) NOT NULL,
    last_name varchar(150) NOT NULL,
    email varchar(254) UNIQUE,
    is_staff boolean NOT NULL,
    is_active boolean NOT NULL,
    date_joined timestamptz NOT NULL
);
CREATE TABLE auth_group (id serial PRIMARY KEY, name varchar(150) NOT NULL UNIQUE);
CREATE TABLE auth_permission (
    id serial PRIMARY KEY,
    name varchar(255) NOT NULL,
    content_type_id integer NOT NULL REFERENCES django_content_type,
    codename varchar(100) NOT NULL,
    UNIQUE (content_type_id, codename)
);
CREATE TABLE auth_group_permissions (
    id serial PRIMARY KEY,
    group_id integer NOT NULL REFERENCES auth_group,
    permission_id integer NOT NULL REFERENCES auth_permission,
    UNIQUE (group_id, permission_id)
);
CREATE TABLE auth_user_groups (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES auth_user,
    group_id integer NOT NULL REFERENCES auth_group,
    UNIQUE (user_id, group_id)
);
CREATE TABLE auth_user_user_permissions (
    id serial PRIMARY KEY,
    user_id integer NOT NULL REFERENCES auth_user,
    permission_id integer NOT NULL REFERENCES auth_permission,
    UNIQUE (user_id, permission_id)
);
