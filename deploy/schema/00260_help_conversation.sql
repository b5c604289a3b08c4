-- +goose Up

-- One kind of request for help, about anything. What it is about (an export, a refund, a page, an error) comes with it.
ALTER TABLE help_request
  ADD COLUMN topic         text NOT NULL DEFAULT '' CHECK (topic IN ('', 'dates', 'export', 'replacement', 'refund', 'account', 'error', 'other')),
  ADD COLUMN page          text NOT NULL DEFAULT '' CHECK (length(page) <= 200),     -- where it was asked
  ADD COLUMN refund        text NOT NULL DEFAULT '',                                 -- its reference, as people write it
  ADD COLUMN incident      text NOT NULL DEFAULT '' CHECK (length(incident) <= 40),  -- of an error page
  ADD COLUMN owner         text NOT NULL DEFAULT '',                                 -- identity id of who answers; empty: nobody has taken it
  ADD COLUMN priority      smallint NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 4),
  ADD COLUMN due_at        timestamptz,                                              -- until when an answer was promised
  ADD COLUMN snoozed_until timestamptz,                                              -- NULL: it stands in the queue
  ADD COLUMN escalated_at  timestamptz,                                              -- when it was late in this round
  ADD COLUMN said          integer NOT NULL DEFAULT 0;                               -- entries of the conversation
UPDATE help_request SET due_at = created_at;
ALTER TABLE help_request ALTER COLUMN due_at SET NOT NULL, ALTER COLUMN due_at SET DEFAULT now();
ALTER TABLE help_request ADD CONSTRAINT help_request_of UNIQUE (customer_id, id);
-- The queue in its order, and each colleague's part of it.
CREATE INDEX help_queue ON help_request (priority, due_at, number) WHERE state = 'open' AND snoozed_until IS NULL;
CREATE INDEX help_queue_mine ON help_request (owner, priority, due_at, number) WHERE state = 'open' AND snoozed_until IS NULL;
CREATE INDEX help_snoozed ON help_request (snoozed_until, number) WHERE state = 'open' AND snoozed_until IS NOT NULL;
CREATE INDEX help_answered ON help_request (answered_at DESC, number DESC) WHERE state = 'answered';
CREATE INDEX help_late ON help_request (due_at) WHERE state = 'open' AND escalated_at IS NULL;

-- What was said and done about a request. Rows are only added. The customer sees what was said, and not how we work on it. Answers of
-- releases before this table stand in help_request.answer.
CREATE TABLE help_entry (
  request_id  text NOT NULL,
  n           integer NOT NULL CHECK (n > 0),
  customer_id text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('customer', 'staff', 'note', 'owner', 'snoozed', 'woken', 'late', 'closed', 'reopened')),
  actor       text NOT NULL,                  -- contact or identity id; worker
  text        text NOT NULL DEFAULT '',       -- what was said; of owner: who it was given to
  at          timestamptz NOT NULL,
  PRIMARY KEY (request_id, n),
  FOREIGN KEY (customer_id, request_id) REFERENCES help_request (customer_id, id)
);
ALTER TABLE help_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE help_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY help_entry_scope ON help_entry USING (offramp_sees(customer_id)
  AND (kind IN ('customer', 'staff', 'closed', 'reopened') OR coalesce(current_setting('offramp.scope', true), '') IN ('staff', 'system')));

-- From a request's opening, or reopening, to its end. Seconds are of working time, counted when the instant came.
CREATE TABLE help_round (
  request_id      text NOT NULL,
  n               integer NOT NULL CHECK (n > 0),
  customer_id     text NOT NULL,
  opened_at       timestamptz NOT NULL,
  answered_at     timestamptz,                -- first
  answer_seconds  bigint CHECK (answer_seconds >= 0),
  ended_at        timestamptz,
  resolve_seconds bigint CHECK (resolve_seconds >= 0),  -- to the end, or to the last answer where the customer needed no more after it
  PRIMARY KEY (request_id, n),
  FOREIGN KEY (customer_id, request_id) REFERENCES help_request (customer_id, id),
  CONSTRAINT help_round_answered CHECK ((answered_at IS NULL) = (answer_seconds IS NULL)),
  CONSTRAINT help_round_ended CHECK ((ended_at IS NULL) = (resolve_seconds IS NULL))
);
CREATE INDEX help_round_ended_at ON help_round (ended_at DESC) WHERE ended_at IS NOT NULL;
ALTER TABLE help_round ENABLE ROW LEVEL SECURITY;
ALTER TABLE help_round FORCE ROW LEVEL SECURITY;
CREATE POLICY help_round_scope ON help_round USING (offramp_sees(customer_id));
INSERT INTO help_round (request_id, n, customer_id, opened_at, answered_at, answer_seconds, ended_at, resolve_seconds)
  SELECT id, 1, customer_id, created_at, answered_at, extract(epoch FROM answered_at - created_at)::bigint,
         closed_at, CASE WHEN closed_at IS NOT NULL THEN extract(epoch FROM least(answered_at, closed_at) - created_at)::bigint END
    FROM (SELECT id, customer_id, created_at, CASE WHEN answered_at IS NOT NULL THEN greatest(answered_at, created_at) END AS answered_at,
                 CASE WHEN closed_at IS NOT NULL THEN greatest(closed_at, created_at) END AS closed_at FROM help_request) h;

-- Who has a request open on their screen, for a minute.
CREATE TABLE help_presence (
  request_id  text NOT NULL REFERENCES help_request,
  identity_id text NOT NULL,
  writing     boolean NOT NULL,
  seen_at     timestamptz NOT NULL,
  PRIMARY KEY (request_id, identity_id)
);
ALTER TABLE help_presence ENABLE ROW LEVEL SECURITY;
ALTER TABLE help_presence FORCE ROW LEVEL SECURITY;
CREATE POLICY help_presence_scope ON help_presence USING (offramp_sees(''));

-- +goose Down
SELECT 'forward only';
