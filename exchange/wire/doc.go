// Package wire holds the shapes of the exchange's protocol that both ends need:
// the exchange info document, error bodies and codes. The client
// (exchange/binance) reads them, the simulated exchange (exchange/sim) writes
// them, and users hand them over as files. The source is the exchange's public
// documentation of its spot API.
package wire
