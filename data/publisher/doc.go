// Package publisher plays stored trade events of a time range back onto the
// topic of their symbol, at a chosen pace: as they happened, faster by a factor, as
// fast as the subscribers take them, or in lock-step with them. The events bear the
// source Replay, so that a live trader, the collector and the aggregator of the
// symbol take them for the history that they are.
//
// Whoever asks for a replay makes a Publisher and runs it: in a node the request of
// its API, whose end is the end of the replay.
package publisher
