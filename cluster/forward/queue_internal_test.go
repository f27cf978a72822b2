package forward

import (
	"testing"

	"pgregory.net/rapid"
)

// A queue behaves like a list of the newest items up to its limit.
func TestAQueueKeepsTheNewestInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 200).Draw(t, "limit")
		q := newQueue(limit)
		var model []uint64 // the numbers of the items that wait
		var next uint64
		into := make([]item, 300)
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				for range rapid.IntRange(1, 150).Draw(t, "items") {
					dropped := q.put(item{event: next})
					model = append(model, next)
					next++
					if full := len(model) > limit; full != dropped {
						t.Fatalf("dropped: %v, want %v", dropped, full)
					} else if full {
						model = model[1:]
					}
				}
			},
			"take": func(t *rapid.T) {
				first, n := q.take(into[:rapid.IntRange(1, len(into)).Draw(t, "room")])
				if n == 0 && len(model) > 0 {
					t.Fatal("nothing taken")
				}
				for i := range n {
					if into[i].event != model[i] || model[i] != first+uint64(i) {
						t.Fatalf("item %d of %d from %d on is %v, want %d", i, n, first, into[i].event, model[i])
					}
				}
				model = model[n:]
				if n == 0 && first != next {
					t.Fatalf("the next item is number %d, want %d", first, next)
				}
			},
			"": func(t *rapid.T) {
				if q.waiting() != len(model) {
					t.Fatalf("%d wait, want %d", q.waiting(), len(model))
				}
				held := 0
				for _, i := range q.ring {
					if i.event != nil {
						held++
					}
				}
				if held != len(model) {
					t.Fatalf("%d events are held, want %d", held, len(model))
				}
			},
		})
		if n := q.close(); n != len(model) {
			t.Fatalf("%d dropped at the end, want %d", n, len(model))
		}
		if q.put(item{event: 1}) || q.waiting() != 0 {
			t.Fatal("a closed queue takes items")
		}
	})
}

func TestAQueueSaysThatItemsWait(t *testing.T) {
	q := newQueue(10)
	into := make([]item, 1)
	for range 3 {
		q.put(item{})
		q.put(item{})
		if len(q.ready) != 1 {
			t.Fatal("nobody is told of the first item")
		}
		<-q.ready
		q.take(into)
		q.take(into)
	}
}

func BenchmarkPut(b *testing.B) {
	q := newQueue(1 << 14)
	i := item{"TRADE_EVENTS:XRPETH", new(int)}
	b.ReportAllocs()
	for b.Loop() {
		q.put(i)
	}
}
