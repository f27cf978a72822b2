// Package export writes what is stored as CSV or Parquet, for spreadsheets and
// for the tools of people who work with data.
//
// A command makes a Table of the rows that it reads from the database (Trades,
// Orders, Fills, Candles, Equity) and has it written; nothing here runs by itself.
// Memory stays flat however many rows there are: CSV holds one row, Parquet one
// group of rows.
//
// What is written is what is stored, to the last digit. CSV has a header, plain
// decimals, times in RFC 3339 with microseconds, UTC, and nothing where there is no
// value. Parquet has typed columns:
//
//	ids and counts            INT64
//	times                     TIMESTAMP(MICROS, UTC)
//	prices, commissions,
//	profits                   DECIMAL(18,8) as INT64
//	quantities                DECIMAL(38,8) as FIXED_LEN_BYTE_ARRAY(16)
//	flags                     BOOLEAN
//	names and states          STRING
//
// A decimal that a column does not hold exactly ends the export with an error that
// names the row and the value. ToFile puts the output beside the file that was asked
// for and renames it when it is whole.
package export
