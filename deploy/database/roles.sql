-- Roles and database for Offramp, run once by an administrator of the cluster:
--
--   psql -v owner_password=... -v web_password=... -v worker_password=... -v dump_password=... -f deploy/database/roles.sql postgres
--
-- What the roles may do with tables is granted by `offramp schema up`, which also keeps it so.

-- The owner makes the schema and nothing else. It signs in for `offramp schema up` only (OFFRAMP_DATABASE_OWNER_URL).
CREATE ROLE offramp_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB CREATEROLE PASSWORD :'owner_password';

-- What the application's roles are members of. They cannot sign in. offramp_app is what both may together; nobody is a member of it
-- in a new installation.
CREATE ROLE offramp_serve NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE offramp_work NOLOGIN NOSUPERUSER NOBYPASSRLS;
CREATE ROLE offramp_app NOLOGIN NOSUPERUSER NOBYPASSRLS;

-- What `offramp serve` signs in as, and what `offramp work` and the operator's commands do (OFFRAMP_DATABASE_URL of each). They own
-- nothing and are bound by row-level security: whoever takes over the web side cannot pay, whoever takes over a worker cannot decide.
CREATE ROLE offramp_web LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'web_password' IN ROLE offramp_serve;
CREATE ROLE offramp_worker LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'worker_password' IN ROLE offramp_work;

-- What backups sign in as, and nothing else: it reads every row of every customer (deploy/backup/dump).
CREATE ROLE offramp_dump LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'dump_password' IN ROLE pg_read_all_data;

-- C.UTF-8 knows capital and small letters of every script and sorts alike on every machine. Where the system lacks it, any locale
-- with UTF-8 will do.
CREATE DATABASE offramp OWNER offramp_owner ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' TEMPLATE template0;
REVOKE CONNECT, TEMPORARY ON DATABASE offramp FROM PUBLIC;
GRANT CONNECT ON DATABASE offramp TO offramp_owner, offramp_web, offramp_worker, offramp_dump;
