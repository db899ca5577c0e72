-- A plain double-entry ledger in SQL, as one would write it by hand: a transfer moves an amount from one account
-- to another, writes an entry for each side with the balance after it, and accounts are locked in one order.

CREATE TABLE ledger_account (
    id bigint PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0
);

CREATE TABLE ledger_transfer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_account bigint NOT NULL REFERENCES ledger_account,
    to_account bigint NOT NULL REFERENCES ledger_account,
    amount bigint NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (from_account <> to_account)
);

CREATE TABLE ledger_entry (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account bigint NOT NULL REFERENCES ledger_account,
    transfer bigint NOT NULL REFERENCES ledger_transfer,
    amount bigint NOT NULL,
    balance_before bigint NOT NULL,
    balance_after bigint NOT NULL,
    account_version bigint NOT NULL
);
CREATE INDEX ledger_entry_account ON ledger_entry (account);
CREATE INDEX ledger_entry_transfer ON ledger_entry (transfer);

INSERT INTO ledger_account (id) SELECT n FROM generate_series(1, 100000) AS n;

CREATE TYPE ledger_movement AS (from_account bigint, to_account bigint, amount bigint);

CREATE FUNCTION ledger_move(account_id bigint, transfer_id bigint, change bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moved ledger_account;
BEGIN
    UPDATE ledger_account SET balance = balance + change, version = version + 1 WHERE id = account_id
        RETURNING * INTO STRICT moved;
    INSERT INTO ledger_entry (account, transfer, amount, balance_before, balance_after, account_version)
        VALUES (account_id, transfer_id, change, moved.balance - change, moved.balance, moved.version);
END $$;

CREATE FUNCTION ledger_transfer_all(movements ledger_movement[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    movement ledger_movement;
    transfer_id bigint;
BEGIN
    -- Always in the same order, so that two calls can never wait for each other in a ring.
    PERFORM FROM ledger_account WHERE id IN (
        SELECT m.from_account FROM unnest(movements) AS m UNION SELECT m.to_account FROM unnest(movements) AS m
    ) ORDER BY id FOR UPDATE;
    FOREACH movement IN ARRAY movements LOOP
        INSERT INTO ledger_transfer (from_account, to_account, amount)
            VALUES (movement.from_account, movement.to_account, movement.amount)
            RETURNING id INTO transfer_id;
        PERFORM ledger_move(movement.from_account, transfer_id, -movement.amount);
        PERFORM ledger_move(movement.to_account, transfer_id, movement.amount);
    END LOOP;
END $$;
