-- +goose Up
CREATE INDEX fills_by_time ON fills (symbol, fill_time, order_id, trade_id);

-- +goose Down
DROP INDEX fills_by_time;
