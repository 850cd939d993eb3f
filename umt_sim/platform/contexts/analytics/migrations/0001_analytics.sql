CREATE TABLE metric_collections (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    -- Of another context: an id, not a reference.
    subject_id uuid NOT NULL,
    begins timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX metric_collections_by_subject ON metric_collections (subject_id, ends DESC);

CREATE TABLE reports (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    brand_id uuid NOT NULL,
    kind text NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX reports_by_brand ON reports (brand_id);
