package bus

// Stats are the figures of a bus.
type Stats struct {
	// Subscriptions counts those that are open, Waiting the messages in all their
	// queues.
	Subscriptions, Waiting int
	// Fullest is how full the fullest lossless queue is, 0 to 1: at 1 it holds its
	// publishers back.
	Fullest float64
	// Dropped counts the messages that lossy subscriptions have dropped since the bus
	// was made. What one drops while it closes may be left out.
	Dropped uint64
}

// Stats returns the figures of this moment. Publishers do not wait for it.
func (b *Bus) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{Dropped: b.dropped}
	seen := make(map[*Subscription]bool)
	for _, t := range b.topics {
		for _, sub := range *t.subs.Load() {
			if seen[sub] {
				continue // it has several topics
			}
			seen[sub] = true
			s.Subscriptions++
			s.Waiting += sub.Waiting()
			s.Dropped += sub.Dropped()
			if !sub.options.Lossy {
				s.Fullest = max(s.Fullest, float64(sub.Waiting())/float64(sub.options.Capacity))
			}
		}
	}
	return s
}
