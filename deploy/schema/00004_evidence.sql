-- +goose Up

-- The audit log: append-only and hash-chained. The application may insert and read; the trigger alone sets the chain.
CREATE TABLE audit (
  seq         bigint PRIMARY KEY,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  actor_kind  text NOT NULL CHECK (actor_kind IN ('customer', 'staff', 'system', 'operator')),
  act         text NOT NULL,
  object      text NOT NULL,
  customer_id text,
  detail      jsonb NOT NULL DEFAULT '{}',
  prev_hash   bytea NOT NULL,
  hash        bytea NOT NULL
);
CREATE INDEX audit_customer ON audit (customer_id, seq DESC);
CREATE TABLE audit_head (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  seq  bigint NOT NULL,
  hash bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, '\x0000000000000000000000000000000000000000000000000000000000000000');

-- The text that a row's hash covers; the verifier calls the same function.
CREATE FUNCTION audit_digest(a audit) RETURNS bytea LANGUAGE sql STABLE
  RETURN sha256(a.prev_hash || convert_to(
    jsonb_build_array(a.seq, extract(epoch FROM a.at), a.actor, a.actor_kind, a.act, a.object, a.customer_id, a.detail)::text, 'UTF8'));

-- Runs as the owner: the head is out of the application's reach. The row lock on the head orders the chain.
-- +goose StatementBegin
CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE head audit_head;
BEGIN
  SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
  NEW.seq := head.seq + 1;
  NEW.prev_hash := head.hash;
  NEW.hash := audit_digest(NEW);
  UPDATE audit_head SET seq = NEW.seq, hash = NEW.hash;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_chain BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION audit_chain();
GRANT SELECT, INSERT ON audit TO offramp_app;
GRANT SELECT ON audit_head TO offramp_app;
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_read ON audit FOR SELECT USING (offramp_sees(coalesce(customer_id, '')));
CREATE POLICY audit_append ON audit FOR INSERT WITH CHECK (true); -- a record of an act is never refused for want of a scope

-- The transactional outbox. An event is written with the change; deliveries are made from it for each sink.
CREATE TABLE outbox_event (
  id          text PRIMARY KEY,           -- the webhook's message id, the same in every try
  customer_id text NOT NULL,
  version     integer NOT NULL,
  type        text NOT NULL,
  subject     text NOT NULL,
  data        jsonb NOT NULL,
  at          timestamptz NOT NULL,
  spread      boolean NOT NULL DEFAULT false, -- deliveries exist
  UNIQUE (customer_id, version, type)
);
CREATE INDEX outbox_unspread ON outbox_event (at) WHERE NOT spread;
GRANT SELECT, INSERT ON outbox_event TO offramp_app;
GRANT UPDATE (spread) ON outbox_event TO offramp_app;
ALTER TABLE outbox_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_event FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_event_scope ON outbox_event USING (offramp_sees(customer_id));

CREATE TABLE outbox_delivery (
  event_id     text NOT NULL REFERENCES outbox_event,
  sink         text NOT NULL,
  customer_id  text NOT NULL,
  version      integer NOT NULL,
  state        text NOT NULL CHECK (state IN ('pending', 'delivered', 'parked')),
  attempts     integer NOT NULL DEFAULT 0,
  next_at      timestamptz NOT NULL,
  leased_until timestamptz,
  last_error   text NOT NULL DEFAULT '',
  created_at   timestamptz NOT NULL,
  done_at      timestamptz,
  PRIMARY KEY (event_id, sink),
  CHECK ((state = 'pending') = (done_at IS NULL))
);
CREATE INDEX outbox_delivery_due ON outbox_delivery (sink, next_at) WHERE state = 'pending';
-- Done is what is not pending. The other wording and order keep the planner from using one index for the other's look-ups,
-- which it would while statistics say that nothing is pending.
CREATE INDEX outbox_delivery_order ON outbox_delivery (customer_id, sink, version, event_id) WHERE done_at IS NULL;
GRANT SELECT, INSERT, UPDATE ON outbox_delivery TO offramp_app;
ALTER TABLE outbox_delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox_delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY outbox_delivery_scope ON outbox_delivery USING (offramp_sees(customer_id));

-- Sinks that answered 410 or were switched off. No row-level security: names of our own systems, no customer data.
CREATE TABLE sink (
  name        text PRIMARY KEY,
  disabled_at timestamptz,
  reason      text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, UPDATE ON sink TO offramp_app;

-- +goose Down
SELECT 'forward only';
