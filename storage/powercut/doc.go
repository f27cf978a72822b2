// Package powercut shows what a loss of power leaves of a database: of each of its
// files what SQLite has flushed, and nothing of what it has only written. It is for
// tests.
//
// Watch puts itself between SQLite and the operating system, for the databases of
// one directory that are opened from then on. A test goes on with a copy of what
// is left, opened like any other database.
//
// It is the harshest of the possible outcomes. A kernel may have written more, in
// any order; that SQLite copes with that is SQLite's own promise.
package powercut
