package sim

// StreamBound lets tests overflow the stream of a Local.
const StreamBound = streamBound

// RewriteStateAt makes the state log be written anew at the next change once it
// has the given size in bytes.
func (e *Engine) RewriteStateAt(size int64) { e.log.rewriteAt = size }
