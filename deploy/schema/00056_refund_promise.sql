-- +goose Up

-- What the customer was promised when the refund was submitted, by the programme as it was then: days until it is decided, until it is
-- paid after that, and until the bank has booked it (0: nothing was said); and of a credit the replacement's price and what becomes of
-- the amount that is over it.
ALTER TABLE refund
  ADD COLUMN review_days  integer NOT NULL DEFAULT 0 CHECK (review_days >= 0),
  ADD COLUMN pay_days     integer NOT NULL DEFAULT 0 CHECK (pay_days >= 0),
  ADD COLUMN bank_days    integer NOT NULL DEFAULT 0 CHECK (bank_days >= 0),
  ADD COLUMN credit_price bigint NOT NULL DEFAULT 0 CHECK (credit_price >= 0), -- minor units; 0: not known
  ADD COLUMN credit_rest  bigint NOT NULL DEFAULT 0 CHECK (credit_rest >= 0),
  ADD COLUMN rest_rule    text NOT NULL DEFAULT '' CHECK (rest_rule IN ('', 'kept', 'lost', 'paid'));

-- +goose Down
SELECT 'forward only';
