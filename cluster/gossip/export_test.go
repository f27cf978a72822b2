package gossip

import "errors"

// Inside, for tests of what peers' bytes and memberlist's lines become.
var (
	AppendMeta = appendMeta
	ParseMeta  = parseMeta
	NewLogger  = newLogger
)

// StreamsLimit is how many streams may be open.
const StreamsLimit = streamsLimit

// Kill closes the sockets without a farewell, as the end of the process does.
// The Gossip must not be running.
func (g *Gossip) Kill() { g.end(errors.New("killed")) }
