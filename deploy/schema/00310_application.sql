-- +goose Up
SELECT set_config('offramp.scope', 'system', true);

-- The application report while it is written: one of the programme. What was submitted is the paper of approval_paper, as it was then.
CREATE TABLE application_report (
  one         boolean PRIMARY KEY DEFAULT true CHECK (one),
  title       text NOT NULL CHECK (title <> ''),
  background  text NOT NULL,
  feasibility text NOT NULL,
  timetable   text NOT NULL,
  resources   text NOT NULL,
  benefit     text NOT NULL,
  budget      numeric(14,2) NOT NULL DEFAULT 0 CHECK (budget >= 0),
  currency    text NOT NULL DEFAULT '',
  locale      text NOT NULL DEFAULT '',         -- that it was first submitted in, and is compared in
  version     integer NOT NULL DEFAULT 1,       -- of the words above
  paper_id    text REFERENCES approval_paper,   -- NULL: never written into approvals
  changed_by  text NOT NULL REFERENCES identity,
  changed_at  timestamptz NOT NULL
);

-- Figures that people enter, since the product does not know them. Each says whence it is, and as of which day.
CREATE TABLE application_table (
  key        text PRIMARY KEY CHECK (key IN ('risks', 'budget', 'measures', 'activity', 'money', 'complaints', 'competitors')),
  lines      text NOT NULL,                     -- a row a line, cells between |; the first line is the head; empty: taken away
  source     text NOT NULL,
  day        date,
  version    integer NOT NULL DEFAULT 1,
  changed_by text NOT NULL REFERENCES identity,
  changed_at timestamptz NOT NULL,
  CONSTRAINT application_table_source CHECK (lines = '' OR (source <> '' AND day IS NOT NULL))
);

-- What colleagues write is theirs alone.
ALTER TABLE application_report ENABLE ROW LEVEL SECURITY;
ALTER TABLE application_report FORCE ROW LEVEL SECURITY;
CREATE POLICY application_report_scope ON application_report USING (offramp_sees(''));
ALTER TABLE application_table ENABLE ROW LEVEL SECURITY;
ALTER TABLE application_table FORCE ROW LEVEL SECURITY;
CREATE POLICY application_table_scope ON application_table USING (offramp_sees(''));

-- +goose Down
SELECT 'forward only';
