-- Times are microseconds since the Unix epoch, UTC; 0 where the source has none.
-- Amounts are plain decimals as text, without exponent or trailing zeros.
-- Its bounds are compared as text in the CHECKs: > '0' is above zero, < '1' below
-- one, and < ':' keeps words out (':' follows '9'). Arithmetic here would cost a
-- third of the speed of writing.

-- +goose Up

-- One row per trade on the exchange. Ids of a symbol rise by one: a hole is a
-- missed trade.
CREATE TABLE trade_events (
    symbol          TEXT    NOT NULL CHECK (symbol <> ''),
    trade_id        INTEGER NOT NULL CHECK (trade_id >= 0),
    price           TEXT    NOT NULL CHECK (price > '0' AND price < ':'),       -- quote asset
    quantity        TEXT    NOT NULL CHECK (quantity > '0' AND quantity < ':'), -- base asset
    trade_time      INTEGER NOT NULL CHECK (trade_time > 0),
    event_time      INTEGER NOT NULL,
    buyer_is_maker  INTEGER NOT NULL CHECK (buyer_is_maker IN (0, 1)),
    buyer_order_id  INTEGER NOT NULL,                                   -- 0 where the source has none
    seller_order_id INTEGER NOT NULL,                                   -- likewise
    PRIMARY KEY (symbol, trade_id)
) STRICT, WITHOUT ROWID;

-- The latest known state of each order of this account.
CREATE TABLE orders (
    symbol            TEXT    NOT NULL CHECK (symbol <> ''),
    order_id          INTEGER NOT NULL CHECK (order_id > 0),
    client_order_id   TEXT    NOT NULL,
    side              TEXT    NOT NULL CHECK (side IN ('BUY', 'SELL')),
    status            TEXT    NOT NULL CHECK (status IN ('NEW', 'PENDING_NEW', 'PARTIALLY_FILLED',
                                  'FILLED', 'CANCELED', 'REJECTED', 'EXPIRED', 'EXPIRED_IN_MATCH')),
    price             TEXT    NOT NULL CHECK (price >= '0' AND price < ':'),                         -- quote asset
    original_quantity TEXT    NOT NULL CHECK (original_quantity > '0' AND original_quantity < ':'),  -- base asset
    executed_quantity TEXT    NOT NULL CHECK (executed_quantity >= '0' AND executed_quantity < ':'), -- base asset
    quote_quantity    TEXT    NOT NULL CHECK (quote_quantity >= '0' AND quote_quantity < ':'),       -- quote asset
    order_time        INTEGER NOT NULL, -- when the exchange accepted it
    update_time       INTEGER NOT NULL, -- when it last changed
    PRIMARY KEY (symbol, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_by_client_id ON orders (symbol, client_order_id);
CREATE INDEX orders_by_time ON orders (order_time, order_id);
CREATE INDEX orders_open ON orders (symbol, order_time, order_id) WHERE status IN ('NEW', 'PENDING_NEW', 'PARTIALLY_FILLED');

-- One row per trade that filled an order. A trade between two orders of this
-- account fills both.
CREATE TABLE fills (
    symbol           TEXT    NOT NULL CHECK (symbol <> ''),
    order_id         INTEGER NOT NULL CHECK (order_id > 0),
    trade_id         INTEGER NOT NULL CHECK (trade_id >= 0),
    side             TEXT    NOT NULL CHECK (side IN ('BUY', 'SELL')),
    price            TEXT    NOT NULL CHECK (price > '0' AND price < ':'),            -- quote asset
    quantity         TEXT    NOT NULL CHECK (quantity > '0' AND quantity < ':'),      -- base asset
    commission       TEXT    NOT NULL CHECK (commission >= '-' AND commission < ':'),                        -- below 0: a rebate
    commission_asset TEXT    NOT NULL,
    maker            INTEGER NOT NULL CHECK (maker IN (0, 1)),
    fill_time        INTEGER NOT NULL,
    PRIMARY KEY (symbol, order_id, trade_id)
) STRICT, WITHOUT ROWID;

-- Trades of a symbol summed up over minutes from start_time on.
CREATE TABLE candles (
    symbol     TEXT    NOT NULL CHECK (symbol <> ''),
    minutes    INTEGER NOT NULL CHECK (minutes > 0),
    start_time INTEGER NOT NULL,
    open       TEXT    NOT NULL CHECK (open > '0' AND open < ':'),
    high       TEXT    NOT NULL CHECK (high > '0' AND high < ':'),
    low        TEXT    NOT NULL CHECK (low > '0' AND low < ':'),
    close      TEXT    NOT NULL CHECK (close > '0' AND close < ':'),
    volume     TEXT    NOT NULL CHECK (volume > '0' AND volume < ':'), -- base asset
    trades     INTEGER NOT NULL CHECK (trades > 0),
    PRIMARY KEY (symbol, minutes, start_time)
) STRICT, WITHOUT ROWID;

-- The trader's positions. Their orders are found by client order id.
CREATE TABLE positions (
    symbol          TEXT    NOT NULL CHECK (symbol <> ''),
    position_id     TEXT    NOT NULL CHECK (position_id <> ''),
    parent_id       TEXT    NOT NULL, -- the position whose rebuy started this one; '' for none
    slot            INTEGER NOT NULL CHECK (slot >= 0),
    state           TEXT    NOT NULL CHECK (state IN ('open', 'finished', 'dropped')),
    rebuy_triggered INTEGER NOT NULL CHECK (rebuy_triggered IN (0, 1)),
    buy_client_id   TEXT    NOT NULL, -- '' while there is no buy order
    sell_client_id  TEXT    NOT NULL, -- '' while there is no sell order
    start_time      INTEGER NOT NULL,
    end_time        INTEGER NOT NULL, -- 0 while the position is open
    profit          TEXT    NOT NULL CHECK (profit >= '-' AND profit < ':'), -- quote asset
    PRIMARY KEY (symbol, position_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX positions_open ON positions (symbol, start_time, position_id) WHERE state = 'open';

-- Settings: one row per symbol and kind. The defaults are what seeding gives.
CREATE TABLE streaming_settings (
    symbol  TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    enabled INTEGER NOT NULL DEFAULT 0 CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE trading_settings (
    symbol            TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    status            TEXT    NOT NULL DEFAULT 'off' CHECK (status IN ('off', 'on', 'shutdown')),
    chunks            INTEGER NOT NULL DEFAULT 5 CHECK (chunks BETWEEN 1 AND 100),
    budget            TEXT    NOT NULL DEFAULT '1000' CHECK (budget > '0' AND budget < ':'), -- quote asset
    buy_down_interval TEXT    NOT NULL DEFAULT '0.0001' CHECK (buy_down_interval >= '0' AND buy_down_interval < '1'), -- share of the price
    profit_target     TEXT    NOT NULL DEFAULT '0.002' CHECK (profit_target > '0' AND profit_target < ':'), -- share of the buy price
    rebuy_interval    TEXT    NOT NULL DEFAULT '0.001' CHECK (rebuy_interval >= '0' AND rebuy_interval < '1') -- share of the buy price
) STRICT, WITHOUT ROWID;

CREATE TABLE collecting_settings (
    symbol       TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    trade_events INTEGER NOT NULL DEFAULT 0 CHECK (trade_events IN (0, 1)),
    orders       INTEGER NOT NULL DEFAULT 0 CHECK (orders IN (0, 1)),
    ohlc         INTEGER NOT NULL DEFAULT 0 CHECK (ohlc IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE aggregating_settings (
    symbol  TEXT    NOT NULL PRIMARY KEY CHECK (symbol <> ''),
    enabled INTEGER NOT NULL DEFAULT 0 CHECK (enabled IN (0, 1))
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE aggregating_settings;
DROP TABLE collecting_settings;
DROP TABLE trading_settings;
DROP TABLE streaming_settings;
DROP TABLE positions;
DROP TABLE candles;
DROP TABLE fills;
DROP TABLE orders;
DROP TABLE trade_events;
