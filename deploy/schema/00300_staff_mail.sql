-- +goose Up

-- An email to a colleague about the work: an approval that waits, items that are due, a report. It is written in the transaction of
-- what it tells about, so that neither happens without the other; a worker sends it. about and kind say what it is for: nobody is
-- told the same twice.
--   asked --a worker takes it--> sending --> accepted | refused | deferred | unknown
--   asked --nothing to say any more, or nowhere to send it--> dropped
CREATE TABLE staff_mail (
  id          text PRIMARY KEY,
  identity_id text NOT NULL REFERENCES identity,
  kind        text NOT NULL CHECK (kind <> ''),
  about       text NOT NULL CHECK (about <> ''),
  detail      jsonb NOT NULL,                   -- what the words of its kind are filled with
  path        text NOT NULL,                    -- of the page that it leads to
  asked_at    timestamptz NOT NULL,
  state       text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'sending', 'accepted', 'refused', 'deferred', 'unknown', 'dropped')),
  taken_at    timestamptz,                      -- by the worker that has it in hand, or had
  problem     text NOT NULL DEFAULT '',         -- code and enhanced code, never an address
  ended_at    timestamptz,
  CONSTRAINT staff_mail_once UNIQUE (identity_id, kind, about)
);
CREATE INDEX staff_mail_waits ON staff_mail (asked_at) WHERE state IN ('asked', 'sending');
ALTER TABLE staff_mail ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff_mail FORCE ROW LEVEL SECURITY;
CREATE POLICY staff_mail_scope ON staff_mail USING (offramp_sees(''));

-- +goose Down
SELECT 'forward only';
