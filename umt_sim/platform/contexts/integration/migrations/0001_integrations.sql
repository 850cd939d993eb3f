CREATE TABLE integrations (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    -- Of another context: an id, not a reference.
    brand_id uuid NOT NULL,
    platform text NOT NULL,
    status text NOT NULL,
    sealed_credentials bytea NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX integrations_by_brand ON integrations (brand_id);
