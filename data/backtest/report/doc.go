// Package report writes what came of a backtest: its figures for a table, one line
// of CSV, a plot for a terminal, and a page for a browser.
//
// It is functions from values to bytes, called by whoever ran the backtest. The same
// values give the same bytes: there is no clock in it and no map is walked.
//
// The page is one file that needs nothing else. It draws its charts without a script,
// and its content security policy lets it load nothing. Whatever the length of a run,
// it stays below half a megabyte: a curve has at most 2048 points, and Marks puts
// fills together once there are more than a chart can show.
package report
