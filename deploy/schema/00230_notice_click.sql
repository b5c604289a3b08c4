-- +goose Up

-- By which the links of a mail are known again. It follows from the contact and the notice alone, so that a preview has the same bytes.
ALTER TABLE notice_delivery
  ADD COLUMN visit    text NOT NULL DEFAULT '', -- empty: its links lead straight to the portal
  ADD COLUMN followed text NOT NULL DEFAULT '' CHECK (followed IN ('', 'program', 'person')), -- by whom a link was, at best
  ADD COLUMN opened   text NOT NULL DEFAULT '' CHECK (opened IN ('', 'program', 'person'));   -- as a mail gateway reported it
CREATE INDEX notice_delivery_visit ON notice_delivery (visit) WHERE visit <> '';

-- Each time a link of a mail was followed, or a gateway said that the mail was opened: when, and whether a person did. Nothing is
-- kept of who asked, neither address nor program.
CREATE TABLE notice_click (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  mail_id     text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('followed', 'opened')),
  place       text NOT NULL,                    -- where the link leads; empty: opened
  verdict     text NOT NULL CHECK (verdict IN ('program', 'person')),
  why         text NOT NULL CHECK (why IN ('', 'method', 'prefetch', 'agent', 'soon', 'many', 'gateway')),
  at          timestamptz NOT NULL,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX notice_click_mail ON notice_click (mail_id, at);
CREATE INDEX notice_click_customer ON notice_click (customer_id, at DESC) WHERE verdict = 'person';
ALTER TABLE notice_click ENABLE ROW LEVEL SECURITY;
ALTER TABLE notice_click FORCE ROW LEVEL SECURITY;
CREATE POLICY notice_click_scope ON notice_click USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
