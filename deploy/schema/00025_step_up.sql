-- +goose Up

-- A sign-in that asks for credentials has to prove that they were asked for; a session knows when they were given last.
ALTER TABLE sign_in ADD COLUMN fresh boolean NOT NULL DEFAULT false;
ALTER TABLE session ADD COLUMN authenticated_at timestamptz; -- NULL: the provider does not say

-- +goose Down
SELECT 'forward only';
