package export

import (
	"fmt"
	"io"
)

// Format is how a table is written.
type Format string

// The formats that there are.
const (
	CSV     Format = "csv"
	Parquet Format = "parquet"
)

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case CSV, Parquet:
		return f, nil
	}
	return "", fmt.Errorf("format %q: want %s or %s", name, CSV, Parquet)
}

func (f Format) encoder(w io.Writer, t Table) (encoder, error) {
	switch f {
	case CSV:
		return newCSV(w, t)
	case Parquet:
		return newParquet(w, t), nil
	}
	_, err := ParseFormat(string(f))
	return nil, err
}
