-- +goose Up

-- Whom mail goes to: the contact's address, from the import, from the provider at the first sign-in, or confirmed by a link.
-- A contact that was joined to another is a memory of whoever acted under it; its people and its mail are the other's.
ALTER TABLE contact
  ADD COLUMN joined_to    text,
  ADD COLUMN mail_problem text NOT NULL DEFAULT '' CHECK (mail_problem IN ('', 'refused', 'unwritable')), -- of the last mail
  ADD CONSTRAINT contact_joined_to FOREIGN KEY (customer_id, joined_to) REFERENCES contact (customer_id, id),
  ADD CONSTRAINT contact_joined_is_disabled CHECK (joined_to IS NULL OR (state = 'disabled' AND joined_to <> id));
CREATE INDEX contact_joined ON contact (customer_id, joined_to) WHERE joined_to IS NOT NULL;

-- An address that a contact has given and not confirmed yet.
CREATE TABLE address_confirmation (
  token_hash  text PRIMARY KEY,
  customer_id text NOT NULL,
  contact_id  text NOT NULL,
  email       text NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  FOREIGN KEY (customer_id, contact_id) REFERENCES contact (customer_id, id)
);
CREATE INDEX address_confirmation_contact ON address_confirmation (contact_id, created_at);
ALTER TABLE address_confirmation ENABLE ROW LEVEL SECURITY;
ALTER TABLE address_confirmation FORCE ROW LEVEL SECURITY;
CREATE POLICY address_confirmation_scope ON address_confirmation USING (offramp_sees(customer_id));

-- +goose Down
SELECT 'forward only';
