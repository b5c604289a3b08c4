-- +goose Up

-- Paths that a company adds to those of the product. Rows are only added; the highest version of a key counts.
CREATE TABLE approval_path (
  key     text NOT NULL,
  version integer NOT NULL CHECK (version > 0),
  source  text NOT NULL,
  by      text NOT NULL REFERENCES identity,
  at      timestamptz NOT NULL,
  PRIMARY KEY (key, version)
);

-- A paper that people decide about. Its hash is of everything that is decided; the database computes it.
--   draft --submitted--> open --every step has approved--> approved
--   open --somebody sends it back--> sent_back;  open, approved --its words change--> void;  approved --an earlier gate is reopened--> stale
--   open --its requester--> withdrawn;  every state but open and approved --submitted--> open
CREATE TABLE approval_paper (
  id         text PRIMARY KEY,
  kind       text NOT NULL CHECK (kind IN ('application', 'announcement', 'budget', 'closing', 'other')),
  title      text NOT NULL CHECK (title <> ''),
  body       text NOT NULL,
  budget     numeric(18, 2) NOT NULL DEFAULT 0 CHECK (budget >= 0),
  currency   text NOT NULL DEFAULT '',
  hash       text NOT NULL,
  state      text NOT NULL CHECK (state IN ('draft', 'open', 'approved', 'sent_back', 'void', 'withdrawn', 'stale')),
  round      integer NOT NULL DEFAULT 0,        -- the latest; 0: never submitted
  version    integer NOT NULL DEFAULT 1,        -- of its words
  author     text NOT NULL REFERENCES identity,
  created_at timestamptz NOT NULL,
  changed_by text NOT NULL REFERENCES identity,
  changed_at timestamptz NOT NULL,
  CONSTRAINT approval_paper_currency CHECK (budget = 0 OR currency <> '')
);
CREATE INDEX approval_paper_new ON approval_paper (created_at DESC, id);

-- One time that a paper was put to those who decide, with its words and its path as they were then.
CREATE TABLE approval_round (
  paper_id     text NOT NULL REFERENCES approval_paper,
  round        integer NOT NULL CHECK (round > 0),
  hash         text NOT NULL,
  content      text NOT NULL,
  path         text NOT NULL,
  submitted_by text NOT NULL REFERENCES identity,
  submitted_at timestamptz NOT NULL,
  decide_from  timestamptz NOT NULL,            -- readers have had the papers long enough
  state        text NOT NULL CHECK (state IN ('open', 'approved', 'sent_back', 'void', 'withdrawn', 'stale')),
  ended_at     timestamptz,
  why          text NOT NULL DEFAULT '',        -- it is stale
  PRIMARY KEY (paper_id, round),
  CONSTRAINT approval_round_ended CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX approval_round_one ON approval_round (paper_id) WHERE state IN ('open', 'approved');

-- A node of the path in a round.
CREATE TABLE approval_node (
  paper_id     text NOT NULL,
  round        integer NOT NULL,
  key          text NOT NULL,
  step         integer NOT NULL,                -- those of one step decide side by side
  need         integer NOT NULL CHECK (need >= 0), -- approvals; 0: everybody's
  state        text NOT NULL CHECK (state IN ('waiting', 'open', 'approved', 'sent_back', 'skipped', 'over')),
  opened_at    timestamptz,
  due_at       timestamptz,
  reminded_at  timestamptz,
  escalated_at timestamptz,
  PRIMARY KEY (paper_id, round, key),
  FOREIGN KEY (paper_id, round) REFERENCES approval_round
);
CREATE INDEX approval_node_due ON approval_node (due_at) WHERE state = 'open';

-- Who is asked at a node, and what they decided. decided_by is who did it, where a delegate stands in.
CREATE TABLE approval_seat (
  paper_id    text NOT NULL,
  round       integer NOT NULL,
  node        text NOT NULL,
  identity_id text NOT NULL REFERENCES identity,
  added_by    text NOT NULL REFERENCES identity, -- the requester, or who put them in somebody's place
  state       text NOT NULL CHECK (state IN ('asked', 'approved', 'sent_back', 'replaced')),
  decided_by  text REFERENCES identity,
  words       text NOT NULL DEFAULT '',
  hash        text NOT NULL DEFAULT '',
  at          timestamptz,
  PRIMARY KEY (paper_id, round, node, identity_id),
  FOREIGN KEY (paper_id, round, node) REFERENCES approval_node,
  CONSTRAINT approval_seat_decided CHECK ((state IN ('approved', 'sent_back')) = (decided_by IS NOT NULL AND at IS NOT NULL AND words <> '' AND hash <> ''))
);
CREATE UNIQUE INDEX approval_seat_one_person ON approval_seat (paper_id, round, node, decided_by) WHERE decided_by IS NOT NULL;
CREATE INDEX approval_seat_asked ON approval_seat (identity_id) WHERE state = 'asked';

-- Who decides for whom while they are away.
CREATE TABLE approval_delegate (
  id        text PRIMARY KEY,
  principal text NOT NULL REFERENCES identity,
  delegate  text NOT NULL REFERENCES identity,
  starts_at timestamptz NOT NULL,
  ends_at   timestamptz NOT NULL,
  reason    text NOT NULL CHECK (reason <> ''),
  at        timestamptz NOT NULL,
  ended_at  timestamptz,                        -- taken back before its end
  CONSTRAINT approval_delegate_days CHECK (starts_at < ends_at),
  CONSTRAINT approval_delegate_other CHECK (principal <> delegate)
);
CREATE INDEX approval_delegate_principal ON approval_delegate (principal) WHERE ended_at IS NULL;

-- Talks with those who decide, before they decide.
CREATE TABLE approval_talk (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  paper_id text NOT NULL REFERENCES approval_paper,
  whom     text NOT NULL CHECK (whom <> ''),
  concern  text NOT NULL CHECK (concern IN ('cost', 'compliance', 'strategy', 'customers', 'technology', 'other')),
  said     text NOT NULL CHECK (said <> ''),
  agreed   text NOT NULL,
  unsolved text NOT NULL,                       -- still open; empty: nothing
  by       text NOT NULL REFERENCES identity,
  at       timestamptz NOT NULL
);
CREATE INDEX approval_talk_paper ON approval_talk (paper_id, id);

-- What colleagues write is theirs alone.
ALTER TABLE approval_path ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_path FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_path_scope ON approval_path USING (offramp_sees(''));
ALTER TABLE approval_paper ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_paper FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_paper_scope ON approval_paper USING (offramp_sees(''));
ALTER TABLE approval_round ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_round FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_round_scope ON approval_round USING (offramp_sees(''));
ALTER TABLE approval_node ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_node FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_node_scope ON approval_node USING (offramp_sees(''));
ALTER TABLE approval_seat ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_seat FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_seat_scope ON approval_seat USING (offramp_sees(''));
ALTER TABLE approval_delegate ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_delegate FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_delegate_scope ON approval_delegate USING (offramp_sees(''));
ALTER TABLE approval_talk ENABLE ROW LEVEL SECURITY;
ALTER TABLE approval_talk FORCE ROW LEVEL SECURITY;
CREATE POLICY approval_talk_scope ON approval_talk USING (offramp_sees(''));

-- What is decided about, as one text.
CREATE FUNCTION approval_content(kind text, title text, body text, budget numeric, currency text) RETURNS text
  LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
  RETURN kind || E'\n' || title || E'\n' || budget::text || ' ' || currency || E'\n\n' || body;

-- A change of what was submitted ends the round: nothing stays approved that says something else.
-- +goose StatementBegin
CREATE FUNCTION approval_paper_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  NEW.hash := encode(sha256(convert_to(public.approval_content(NEW.kind, NEW.title, NEW.body, NEW.budget, NEW.currency), 'UTF8')), 'hex');
  IF TG_OP = 'UPDATE' AND NEW.hash <> OLD.hash THEN
    IF OLD.state IN ('open', 'approved') THEN
      UPDATE public.approval_round SET state = 'void', ended_at = coalesce(ended_at, NEW.changed_at)
       WHERE paper_id = NEW.id AND round = NEW.round AND state IN ('open', 'approved');
      UPDATE public.approval_node SET state = 'over' WHERE paper_id = NEW.id AND round = NEW.round AND state IN ('waiting', 'open');
      NEW.state := 'void';
    END IF;
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_paper_guard BEFORE INSERT OR UPDATE ON approval_paper FOR EACH ROW EXECUTE FUNCTION approval_paper_guard();

-- What is put to people is the paper as it stands, by somebody who acts.
-- +goose StatementBegin
CREATE FUNCTION approval_round_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  SELECT p.hash, public.approval_content(p.kind, p.title, p.body, p.budget, p.currency) INTO NEW.hash, NEW.content
    FROM public.approval_paper p WHERE p.id = NEW.paper_id;
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE')
     AND public.staff_role(NEW.submitted_by, ARRAY['programme_manager']) = '' THEN
    RAISE EXCEPTION 'approval: % submits nothing', NEW.submitted_by USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_role';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_round_guard BEFORE INSERT ON approval_round FOR EACH ROW EXECUTE FUNCTION approval_round_guard();

-- Who stands in for a person at an instant, over at most three delegations.
CREATE FUNCTION approval_stand_ins(person text, instant timestamptz) RETURNS SETOF text
  LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp
  AS $$
    WITH RECURSIVE chain (who, depth) AS (
      SELECT d.delegate, 1 FROM public.approval_delegate d
       WHERE d.principal = person AND d.ended_at IS NULL AND d.starts_at <= instant AND d.ends_at > instant
      UNION
      SELECT d.delegate, c.depth + 1 FROM chain c JOIN public.approval_delegate d ON d.principal = c.who
       WHERE c.depth < 3 AND d.ended_at IS NULL AND d.starts_at <= instant AND d.ends_at > instant
    )
    SELECT DISTINCT who FROM chain WHERE who <> person
  $$;

-- One delegate at a time, and no circle: not even of delegations that overlap for an hour.
-- +goose StatementBegin
CREATE FUNCTION approval_delegate_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    RETURN NEW; -- rights let only its end change
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('approval_delegate', 0));
  IF EXISTS (SELECT FROM public.approval_delegate d WHERE d.principal = NEW.principal AND d.ended_at IS NULL
              AND d.starts_at < NEW.ends_at AND NEW.starts_at < d.ends_at) THEN
    RAISE EXCEPTION 'delegate: % has one then', NEW.principal USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_delegate_one';
  END IF;
  IF EXISTS (
    WITH RECURSIVE chain (who) AS (
      SELECT NEW.delegate
      UNION
      SELECT d.delegate FROM chain c JOIN public.approval_delegate d ON d.principal = c.who
       WHERE d.ended_at IS NULL AND d.starts_at < NEW.ends_at AND NEW.starts_at < d.ends_at
    )
    SELECT FROM chain WHERE who = NEW.principal) THEN
    RAISE EXCEPTION 'delegate: a circle' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_delegate_circle';
  END IF;
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE')
     AND NOT public.staff_acts(NEW.principal) THEN
    RAISE EXCEPTION 'delegate: nobody gives away what is another one''s' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_role';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_delegate_guard BEFORE INSERT OR UPDATE ON approval_delegate FOR EACH ROW EXECUTE FUNCTION approval_delegate_guard();

-- Nobody decides about what they ask for or have written, by themselves or for another one; nobody in another one's place but their
-- delegate at that instant; nobody too early, and about nothing but the words that were submitted and still stand. What was decided stays.
-- +goose StatementBegin
CREATE FUNCTION approval_seat_guard() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
DECLARE
  r public.approval_round;
  p public.approval_paper;
BEGIN
  SELECT * INTO r FROM public.approval_round WHERE paper_id = NEW.paper_id AND round = NEW.round;
  SELECT * INTO p FROM public.approval_paper WHERE id = NEW.paper_id;
  IF NEW.identity_id IN (r.submitted_by, p.author, p.changed_by) AND NEW.state <> 'replaced' THEN
    RAISE EXCEPTION 'approval: % asks for it', NEW.identity_id USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_requester';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'asked' THEN
      RAISE EXCEPTION 'approval: it begins as asked' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_begins';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'asked' THEN
    RAISE EXCEPTION 'approval: what was decided stays' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_decided';
  END IF;
  IF NEW.state = 'replaced' THEN
    RETURN NEW;
  END IF;
  IF NEW.decided_by IN (r.submitted_by, p.author, p.changed_by) THEN
    RAISE EXCEPTION 'approval: % asks for it', NEW.decided_by USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_requester';
  END IF;
  IF NEW.decided_by <> NEW.identity_id AND NEW.decided_by NOT IN (SELECT public.approval_stand_ins(NEW.identity_id, NEW.at)) THEN
    RAISE EXCEPTION 'approval: % does not stand in for %', NEW.decided_by, NEW.identity_id USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_stand_in';
  END IF;
  IF r.state <> 'open' OR NEW.hash <> r.hash OR p.hash <> r.hash OR NOT EXISTS (
       SELECT FROM public.approval_node n WHERE n.paper_id = NEW.paper_id AND n.round = NEW.round AND n.key = NEW.node AND n.state = 'open') THEN
    RAISE EXCEPTION 'approval: not what was submitted' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_words';
  END IF;
  IF NEW.state = 'approved' AND NEW.at < r.decide_from THEN
    RAISE EXCEPTION 'approval: too early' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_early';
  END IF;
  IF pg_has_role(current_user, 'offramp_serve', 'USAGE') AND NOT pg_has_role(current_user, 'offramp_app', 'USAGE')
     AND NOT public.staff_acts(NEW.decided_by) THEN
    RAISE EXCEPTION 'approval: % does not act', NEW.decided_by USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_role';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_seat_guard BEFORE INSERT OR UPDATE ON approval_seat FOR EACH ROW EXECUTE FUNCTION approval_seat_guard();

-- A round counts as approved only where each node of it has what it needs.
-- +goose StatementBegin
CREATE FUNCTION approval_round_end() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
  AS $$
BEGIN
  IF NEW.state = 'approved' AND (OLD.state <> 'open' OR EXISTS (
       SELECT FROM public.approval_node n WHERE n.paper_id = NEW.paper_id AND n.round = NEW.round AND n.state <> 'skipped'
          AND (SELECT count(*) FILTER (WHERE s.state = 'approved') < CASE n.need WHEN 0 THEN greatest(1, count(*) FILTER (WHERE s.state <> 'replaced')) ELSE n.need END
                 FROM public.approval_seat s WHERE s.paper_id = n.paper_id AND s.round = n.round AND s.node = n.key))
     OR NOT EXISTS (SELECT FROM public.approval_node n WHERE n.paper_id = NEW.paper_id AND n.round = NEW.round AND n.state = 'approved')) THEN
    RAISE EXCEPTION 'approval: not everybody has approved' USING ERRCODE = 'check_violation', CONSTRAINT = 'approval_complete';
  END IF;
  RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_round_end BEFORE UPDATE ON approval_round FOR EACH ROW EXECUTE FUNCTION approval_round_end();

-- +goose Down
SELECT 'forward only';
