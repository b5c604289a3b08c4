-- +goose Up

-- What was left out when a batch was made has no place in it: n is 0, and dropped says why.
CREATE INDEX batch_item_unfit ON batch_item (batch_id) WHERE n = 0;

-- +goose Down
SELECT 'forward only';
