CREATE TABLE campaigns (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    -- Of another context: an id, not a reference.
    brand_id uuid NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    budget_cents bigint NOT NULL CHECK (budget_cents > 0),
    spent_cents bigint NOT NULL CHECK (spent_cents BETWEEN 0 AND budget_cents),
    document jsonb NOT NULL
);
CREATE INDEX campaigns_by_brand ON campaigns (brand_id);
