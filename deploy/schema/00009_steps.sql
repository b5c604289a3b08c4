-- +goose Up

-- Step 3 can be started as soon as a programme has it; before, it waited for its pages.
SELECT set_config('offramp.scope', 'system', true);
UPDATE journey SET choose = 'not_started' WHERE choose = 'cannot_start';

-- +goose Down
SELECT 'forward only';
