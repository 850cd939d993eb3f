-- Events wait here, stored with the aggregate they are about, until a relay publishes them.
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    event_type text NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    correlation_id text,
    -- Until then the entry belongs to whoever stored or took it.
    available_at timestamptz NOT NULL
);

-- Tasks that were handled, stored with their effect: a repeated task is answered, not repeated.
CREATE TABLE handled_tasks (
    idempotency_key text PRIMARY KEY,
    answer bytea NOT NULL,
    handled_at timestamptz NOT NULL
);

-- Fails the statement that saved an aggregate when another writer was faster.
CREATE FUNCTION must_be_saved(rows_written bigint, aggregate uuid, version integer)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF rows_written <> 1 THEN
        RAISE EXCEPTION 'version % of % is not the stored one', version, aggregate
            USING ERRCODE = 'UMT09';
    END IF;
    RETURN true;
END
$$;
