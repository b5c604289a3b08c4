-- +goose Up
-- A count of a feature is gathered in a temporary table before it is merged. Databases that take this right from everybody
-- give it to the application; who may not grant it gets a notice, and the database's owner grants it.
-- +goose StatementBegin
DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO offramp_app', current_database()); END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 'forward only';
