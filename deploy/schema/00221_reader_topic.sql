-- +goose Up

-- Which people of a customer get what, where they have decided it. Without a row dates go to owners, and the emails about an export or a
-- refund to whoever asked for it, who gets them in any case.
CREATE TABLE reader_topic (
  contact_id  text NOT NULL,
  customer_id text NOT NULL,
  topic       text NOT NULL CHECK (topic IN ('dates', 'exports', 'money')),
  wants       boolean NOT NULL,
  changed_by  text NOT NULL,                    -- contact id: of themselves, or of an owner
  changed_at  timestamptz NOT NULL,
  PRIMARY KEY (contact_id, topic),
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX reader_topic_customer ON reader_topic (customer_id, topic) WHERE wants;
ALTER TABLE reader_topic ENABLE ROW LEVEL SECURITY;
ALTER TABLE reader_topic FORCE ROW LEVEL SECURITY;
CREATE POLICY reader_topic_scope ON reader_topic USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
