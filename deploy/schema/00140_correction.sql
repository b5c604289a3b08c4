-- +goose Up

-- Dates of the programme that moved after customers were told the old ones: one correction for each version that moved them.
-- What it says is approved as the content of any notice is, in notice_approval under its key, moved:VERSION.
--   drafted --approved, planned--> one row for each customer in notice_message
--   drafted, or not all sent --another version moves a date--> replaced
CREATE TABLE notice_correction (
  version     integer PRIMARY KEY REFERENCES programme_version,
  moved       jsonb NOT NULL,                   -- [{milestone, was, is}], with what an earlier correction left to say
  customers   integer NOT NULL CHECK (customers >= 0), -- who had been told an old date when it was drafted
  drafted_at  timestamptz NOT NULL,
  planned_at  timestamptz,                      -- when its messages were planned last
  replaced_by integer REFERENCES programme_version
);

-- The dates that a customer was told on the phone, as notice_delivery has them of mails.
ALTER TABLE notice_call ADD COLUMN days jsonb NOT NULL DEFAULT '{}';

-- +goose Down
SELECT 'forward only';
