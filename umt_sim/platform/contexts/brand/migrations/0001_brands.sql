CREATE TABLE brands (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    name text NOT NULL,
    industry_code text NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX brands_by_name ON brands (name);

CREATE TABLE projects (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    brand_id uuid NOT NULL REFERENCES brands (id),
    name text NOT NULL,
    document jsonb NOT NULL
);
CREATE INDEX projects_by_brand ON projects (brand_id);
