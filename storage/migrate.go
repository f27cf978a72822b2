package storage

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date and returns its version. A schema with
// migrations that this release does not have is left alone: ErrNewerVersion.
func migrate(ctx context.Context, db *sql.DB) (int64, error) {
	provider, have, known, err := schema(ctx, db)
	if err != nil {
		return 0, err
	}
	if _, err := provider.Up(ctx); err != nil {
		return 0, fmt.Errorf("migrate schema from version %d to %d: %w", have, known, err)
	}
	return known, nil
}

// current returns the version of a schema that is up to date.
func current(ctx context.Context, db *sql.DB) (int64, error) {
	_, have, known, err := schema(ctx, db)
	if err == nil && have < known {
		err = fmt.Errorf("%w: it has schema version %d and this release works with version %d: open it once with this release's hedgehog node", ErrOlderVersion, have, known)
	}
	return have, err
}

// schema returns the version that the schema has and the newest that this release
// knows, which is not below it.
func schema(ctx context.Context, db *sql.DB) (provider *goose.Provider, have, known int64, err error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, 0, 0, err
	}
	provider, err = goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read migrations: %w", err)
	}
	have, known, err = provider.GetVersions(ctx)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read schema version: %w", err)
	}
	if have > known {
		return nil, 0, 0, fmt.Errorf("%w: it has schema version %d and this release knows versions up to %d: install the newer release, or restore a backup from before",
			ErrNewerVersion, have, known)
	}
	return provider, have, known, nil
}
