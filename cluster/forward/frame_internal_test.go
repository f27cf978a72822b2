package forward

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// raw is a Codec for events that are bytes; the empty one is refused.
type raw struct{}

func (raw) Append(dst []byte, _ string, event any) ([]byte, error) {
	b := event.([]byte)
	if len(b) == 0 {
		return nil, errors.New("empty")
	}
	return append(dst, b...), nil
}

func (raw) Decode(data []byte) (string, any, error) { return "", data, nil }

func TestAFrameGivesBackItsEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64Range(0, math.MaxInt64).Draw(t, "first")
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 30).Draw(t, "events")
		frame := appendFrameHeader(nil, first)
		for _, e := range want {
			var err error
			if frame, err = appendEvent(frame, raw{}, item{event: e}); (err != nil) != (len(e) == 0) {
				t.Fatalf("event of %d bytes: %v", len(e), err)
			}
		}
		number, got, err := parseFrame(frame, nil)
		if err != nil || number != first || !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("got %d %q, %v; want %d %q", number, got, err, first, want)
		}
		if cut := rapid.IntRange(0, len(frame)-1).Draw(t, "cut"); cut >= frameHeader {
			_, part, err := parseFrame(frame[:cut], nil)
			if err == nil && !slices.EqualFunc(part, want[:len(part)], bytes.Equal) {
				t.Fatalf("cut after %d bytes: got %q", cut, part)
			}
		}
	})
}

func TestAnEventThatIsTooLongKeepsItsPlace(t *testing.T) {
	frame := appendFrameHeader(nil, 7)
	for _, size := range []int{maxEvent, maxEvent + 1} {
		var err error
		if frame, err = appendEvent(frame, raw{}, item{topic: "T:X", event: make([]byte, size)}); (err != nil) != (size > maxEvent) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, events, err := parseFrame(frame, nil); err != nil || len(events) != 2 || len(events[0]) != maxEvent || len(events[1]) != 0 {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrameHeader(nil, 1))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02ab\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xffab"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		first, events, err := parseFrame(frame, nil)
		if err != nil {
			return
		}
		again := appendFrameHeader(nil, first)
		for _, e := range events {
			again, _ = appendEvent(again, raw{}, item{event: e})
		}
		if !bytes.Equal(again, frame) {
			t.Errorf("%q is taken for what would be written as %q", frame, again)
		}
	})
}

func TestRequestsGiveBackTheirTopics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		topic := rapid.StringMatching(`[!-~]{1,256}`)
		more := rapid.SliceOfN(topic, 0, 400).Draw(t, "more")
		less := rapid.SliceOfN(topic, 0, 400).Draw(t, "less")
		var want, got []request
		for _, topic := range less {
			want = append(want, request{topic, false})
		}
		for _, topic := range more {
			want = append(want, request{topic, true})
		}
		for _, m := range requestMessages(more, less) {
			requests, err := parseRequests(m)
			if err != nil || len(m) > maxRequest || len(m) == 0 {
				t.Fatalf("message of %d bytes: %v", len(m), err)
			}
			got = append(got, requests...)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func FuzzParseRequests(f *testing.F) {
	for _, seed := range []string{"", "+TRADE_EVENTS:XRPETH\n", "-T:X\n+T:Y\n", "+\n", "T\n", "+T", "+T Y\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		requests, err := parseRequests(message)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 500 {
				t.Errorf("error is not one short line: %v", err)
			}
			return
		}
		var again []byte
		for _, r := range requests {
			sign := map[bool]string{true: "+", false: "-"}[r.want]
			again = fmt.Appendf(again, "%s%s\n", sign, r.topic)
			if !validTopic(r.topic) {
				t.Errorf("topic %q is taken", r.topic)
			}
		}
		if !bytes.Equal(again, message) {
			t.Errorf("%q is taken for what would be written as %q", message, again)
		}
	})
}
