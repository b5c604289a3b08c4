-- +goose Up

-- One row for each contact who was asked what they think of the closed product: at most one, ever. It is written before the mail is
-- handed over.
--   sending --server took it--> accepted --first page saved--> begun --sent in--> answered
--   sending --refused for good, or nobody knows--> refused | unknown;  sending --refused for the time being--> deferred --> sending
-- No row says when somebody answered: beside an anonymous answer that would lead back to them.
CREATE TABLE feedback_invitation (
  contact_id  text PRIMARY KEY,
  customer_id text NOT NULL,
  token_hash  text NOT NULL UNIQUE,             -- SHA-256 of what stands in the link, hex; the link itself is in the mail alone
  anonymous   boolean NOT NULL,                 -- what the mail promised
  mail_id     text NOT NULL UNIQUE,
  state       text NOT NULL CHECK (state IN ('sending', 'deferred', 'accepted', 'refused', 'unknown')),
  detail      text NOT NULL DEFAULT '',         -- code and enhanced code, never an address
  tries       integer NOT NULL DEFAULT 1,
  invited_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  draft       bytea,                            -- answers that were not sent in yet, sealed with a key made from the link
  answered    boolean NOT NULL DEFAULT false,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id),
  CONSTRAINT feedback_draft_ends CHECK (draft IS NULL OR NOT answered)
);
CREATE INDEX feedback_invitation_waits ON feedback_invitation (invited_at) WHERE state IN ('sending', 'deferred');
ALTER TABLE feedback_invitation ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback_invitation FORCE ROW LEVEL SECURITY;
CREATE POLICY feedback_invitation_scope ON feedback_invitation USING (offramp_sees(customer_id));
COMMENT ON TABLE feedback_invitation IS 'Who was asked for feedback. Personal data: contact and customer.';

-- What was sent in. An anonymous answer has neither contact nor customer nor instant, and each new one has all of them written again in
-- a random order by one transaction: neither their place on disk nor the transaction that wrote them tells which came when.
CREATE TABLE feedback_answer (
  id          text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  anonymous   boolean NOT NULL,
  customer_id text,
  contact_id  text UNIQUE,
  sent_at     timestamptz,
  locale      text NOT NULL,
  content     jsonb NOT NULL,                   -- question -> text, or score in digits
  shown       boolean NOT NULL,                 -- anonymous ones are shown in groups of five and more
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id),
  CONSTRAINT feedback_no_way_back CHECK (anonymous = (contact_id IS NULL) AND anonymous = (customer_id IS NULL) AND anonymous = (sent_at IS NULL))
);
ALTER TABLE feedback_answer ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback_answer FORCE ROW LEVEL SECURITY;
CREATE POLICY feedback_answer_scope ON feedback_answer USING (offramp_sees(coalesce(customer_id, '')));
COMMENT ON TABLE feedback_answer IS 'What people answered. Personal data where not anonymous: contact, customer, instant, content.';

-- +goose Down
SELECT 'forward only';
