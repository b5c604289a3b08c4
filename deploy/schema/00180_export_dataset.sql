-- +goose Up

-- The dataset that keeps an export from being built: the customer can take the others meanwhile. Empty: it is not one dataset's doing.
ALTER TABLE export ADD COLUMN delayed_dataset text NOT NULL DEFAULT '' CHECK (length(delayed_dataset) <= 100);

-- +goose Down
ALTER TABLE export DROP COLUMN delayed_dataset;
