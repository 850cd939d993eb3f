CREATE TABLE contents (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    -- Of another context: an id, not a reference.
    brand_id uuid NOT NULL,
    status text NOT NULL,
    title text NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX contents_by_brand ON contents (brand_id);
