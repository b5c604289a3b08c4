-- +goose Up

-- What the programme has come to, by week of the programme's zone: counts, sums and medians, and nothing about anybody. A worker
-- counts them anew; completion stands as it did when its week was counted last, since nothing else remembers it.
CREATE TABLE figure (
  report  text NOT NULL CHECK (report IN ('completion', 'reach', 'requests', 'exports', 'choices', 'refunds')),
  week    date NOT NULL CHECK (extract(isodow FROM week) = 1), -- its Monday
  slot    text NOT NULL,                                       -- what it is counted by: tier, channel, topic, product, currency
  measure text NOT NULL,
  value   bigint NOT NULL,
  PRIMARY KEY (report, week, slot, measure)
);
ALTER TABLE figure ENABLE ROW LEVEL SECURITY;
ALTER TABLE figure FORCE ROW LEVEL SECURITY;
CREATE POLICY figure_scope ON figure USING (offramp_sees(''));

-- When they were counted last: one row.
CREATE TABLE figure_count (
  one     boolean PRIMARY KEY DEFAULT true CHECK (one),
  at      timestamptz NOT NULL,
  took_ms bigint NOT NULL
);
ALTER TABLE figure_count ENABLE ROW LEVEL SECURITY;
ALTER TABLE figure_count FORCE ROW LEVEL SECURITY;
CREATE POLICY figure_count_scope ON figure_count USING (offramp_sees(''));

-- +goose Down
SELECT 'forward only';
