-- +goose Up

-- A notice that a colleague has sent to themselves, as one customer would get it. What it says is kept until it is handed over.
--   asked --a worker takes it--> sending --> accepted | refused | deferred | unknown
CREATE TABLE notice_trial (
  id          text PRIMARY KEY,
  notice      text NOT NULL,
  customer_id text NOT NULL REFERENCES customer,
  asked_by    text NOT NULL,                    -- identity id
  asked_at    timestamptz NOT NULL,
  address     text NOT NULL,                    -- of who asked, as their provider told it
  name        text NOT NULL,
  locale      text NOT NULL,
  subject     text NOT NULL,
  html        text NOT NULL,                    -- empty once it was handed over
  plain       text NOT NULL,
  body_hash   text NOT NULL,                    -- as the preview showed it
  state       text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'sending', 'accepted', 'refused', 'deferred', 'unknown')),
  detail      text NOT NULL DEFAULT '',
  ended_at    timestamptz,
  CONSTRAINT notice_trial_kept CHECK (state IN ('asked', 'sending') OR html = '' AND plain = '')
);
CREATE INDEX notice_trial_waits ON notice_trial (asked_at) WHERE state IN ('asked', 'sending');
CREATE INDEX notice_trial_person ON notice_trial (asked_by, asked_at DESC);
ALTER TABLE notice_trial ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_trial FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_trial_scope ON notice_trial USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
