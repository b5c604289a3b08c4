-- +goose Up

-- How many accounts somebody has looked at within a day is counted before each look.
CREATE INDEX audit_reveal ON audit (actor, at) WHERE act = 'refund.reveal';

-- +goose Down
SELECT 'forward only';
