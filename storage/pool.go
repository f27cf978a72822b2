package storage

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
)

// pool is a number of connections to the database, opened when they are needed.
// Whoever finds all of them taken waits.
type pool struct {
	db   *sql.DB
	idle chan *connection
	open chan struct{} // has one for each open connection
}

// newPool returns a pool of up to size connections, each with the pragmas.
func newPool(path string, size int, pragmas ...string) (*pool, error) {
	query := url.Values{
		"_pragma": append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...),
		"_txlock": {"immediate"}, // for the migrations; other transactions say how they begin
	}
	address := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	return &pool{db: db, idle: make(chan *connection, size), open: make(chan struct{}, size)}, nil
}

// take returns a connection, to be given back. An open one comes first, because of
// what it has prepared.
func (p *pool) take(ctx context.Context) (*connection, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	select {
	case c := <-p.idle:
		return c, nil
	default:
	}
	select {
	case c := <-p.idle:
		return c, nil
	case p.open <- struct{}{}:
		conn, err := p.db.Conn(ctx)
		if err != nil {
			<-p.open
			return nil, err
		}
		return &connection{conn: conn, prepared: make(map[string]*sql.Stmt), raw: make(map[string]rawStmt)}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pool) give(c *connection) { p.idle <- c }

// row returns the one row of the query's answer. It holds no connection until it
// is scanned.
func (p *pool) row(ctx context.Context, text string, args ...any) scanner {
	return scanFunc(func(into ...any) error {
		c, err := p.take(ctx)
		if err != nil {
			return err
		}
		defer p.give(c)
		return c.row(ctx, text, args...).Scan(into...)
	})
}

// each hands the rows of the query's answer to visit until that returns an error.
func (p *pool) each(ctx context.Context, visit func(scanner) error, text string, args ...any) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer p.give(c)
	return c.each(ctx, visit, text, args...)
}

// close ends the connections. None is taken any more.
func (p *pool) close() error {
	var errs []error
	for range len(p.idle) {
		errs = append(errs, (<-p.idle).close())
	}
	return errors.Join(append(errs, p.db.Close())...)
}
