-- The data model of Hezhou Teamwork, the fictional product that the demonstration retires.
CREATE TABLE customer (
  id         text PRIMARY KEY,
  name       text NOT NULL,
  tier       text NOT NULL,
  plan       text NOT NULL,
  seats      integer NOT NULL,
  locale     text NOT NULL,
  zone       text NOT NULL,
  created_at timestamptz NOT NULL,
  scale      integer NOT NULL -- rows that its data was made with
);
CREATE TABLE member (
  id          bigint PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  name        text NOT NULL,
  email       text NOT NULL,
  role        text NOT NULL,
  joined_at   timestamptz NOT NULL
);
CREATE TABLE project (
  id          bigint PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  name        text NOT NULL,
  description text,
  archived    boolean NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE TABLE task (
  id          bigint PRIMARY KEY,
  customer_id text NOT NULL,
  project_id  bigint NOT NULL,
  title       text NOT NULL,
  body        text,
  state       text NOT NULL,
  assignee_id bigint,
  due_on      date,
  estimate    numeric(6,2),
  labels      text[] NOT NULL,
  settings    jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  done_at     timestamptz,
  updated_at  timestamptz NOT NULL
);
CREATE TABLE comment (
  id          bigint NOT NULL,
  customer_id text NOT NULL,
  task_id     bigint NOT NULL,
  author_id   bigint NOT NULL,
  body        text NOT NULL,
  created_at  timestamptz NOT NULL
);
CREATE TABLE attachment (
  id           bigint PRIMARY KEY,
  customer_id  text NOT NULL REFERENCES customer,
  task_id      bigint NOT NULL,
  file_name    text NOT NULL,
  object_key   text NOT NULL UNIQUE,
  content_type text NOT NULL,
  size_bytes   bigint NOT NULL,
  sha256       text NOT NULL,
  uploaded_at  timestamptz NOT NULL
);
CREATE TABLE automation (
  id          bigint PRIMARY KEY,
  customer_id text NOT NULL REFERENCES customer,
  name        text NOT NULL,
  kind        text NOT NULL, -- reminder, assign, move, webhook or approval
  enabled     boolean NOT NULL
);
CREATE TABLE invoice (
  id           bigint PRIMARY KEY,
  customer_id  text NOT NULL REFERENCES customer,
  number       text NOT NULL UNIQUE,
  period_start date NOT NULL,
  period_end   date NOT NULL,
  seats        integer NOT NULL,
  amount       numeric(14,2) NOT NULL,
  currency     text NOT NULL,
  method       text NOT NULL,
  issued_at    timestamptz NOT NULL,
  paid_at      timestamptz
);
