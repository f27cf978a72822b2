// Package optimize looks for the settings that would have done best on past trades,
// and shows how those settings did afterwards.
//
// A Study cuts the trades' time into windows, and each window into a first part, in
// sample, and a second, out of sample. A trial is a backtest of one choice of settings
// on each of the two parts. Trials are ranked by what came of the first part; what
// came of the second is not looked at when choosing. Every part begins with the whole
// budget and nothing held.
//
// Which settings are tried is up to a method: all of a grid, a seeded choice of them,
// or TPE, which looks where good ones were found before. TPE works in generations
// of a fixed size. So which trials there are, and all that Run returns, follows from
// the config and the trades alone, whatever the number of jobs; of two trials that do
// equally well the one with the lower settings counts as better.
//
// Run owns its workers and waits for them. They share the trades, which are read
// only. Each finished trial is handed to a Store at once, and one that the store has
// already is not made again: a study that was interrupted goes on.
//
// A Runner makes the trials: Local in this process, a Pool with helpers elsewhere as
// well. What a helper needs is in a Task and in the Trades, which have a form to be
// sent in. All come to the same figures, so a trial may be made by anybody, and twice.
package optimize
