-- +goose Up

-- The page of a batch lists who made it, released it and took its file out.
CREATE INDEX audit_batch ON audit (object, seq) WHERE object LIKE 'batch %';

-- +goose Down
SELECT 'forward only';
