package forward

import (
	"encoding/binary"
	"fmt"
	"math"
)

const (
	frameHeader = 8 // the number of the first event
	eventHeader = 4 // the length of the event
	// maxEvent is how many bytes an event may have on the wire.
	maxEvent = 64 << 10
	// fullFrame is from how many bytes on a frame takes no further event.
	fullFrame = 32 << 10
	// maxFrame is how many bytes a frame can have therefore.
	maxFrame = fullFrame + eventHeader + maxEvent
)

// appendFrameHeader starts a frame whose first event has the number first.
func appendFrameHeader(frame []byte, first uint64) []byte {
	return binary.BigEndian.AppendUint64(frame, first)
}

// appendEvent adds the event to a frame. An event that the codec refuses, or
// that is too long, is added with length 0 so that the numbers stay right, and
// the error says why.
func appendEvent(frame []byte, codec Codec, i item) ([]byte, error) {
	start := len(frame)
	frame = binary.BigEndian.AppendUint32(frame, 0)
	full, err := codec.Append(frame, i.topic, i.event)
	if err != nil {
		return frame, fmt.Errorf("encode event on %s: %w", i.topic, err)
	}
	length := len(full) - len(frame)
	if length < 1 || length > maxEvent {
		return frame, fmt.Errorf("encode event on %s: %d bytes, want 1 to %d", i.topic, length, maxEvent)
	}
	binary.BigEndian.PutUint32(full[start:], uint32(length))
	return full, nil
}

// parseFrame returns the number of a frame's first event, and the bytes of all
// of them appended to into. They are parts of frame.
func parseFrame(frame []byte, into [][]byte) (first uint64, events [][]byte, err error) {
	if len(frame) < frameHeader {
		return 0, nil, fmt.Errorf("frame of %d bytes has no header", len(frame))
	}
	first, rest := binary.BigEndian.Uint64(frame), frame[frameHeader:]
	if first > math.MaxInt64 {
		return 0, nil, fmt.Errorf("frame begins with event %d, want up to %d", first, int64(math.MaxInt64))
	}
	for events = into; len(rest) > 0; {
		if len(rest) < eventHeader {
			return 0, nil, fmt.Errorf("event %d of a frame: %d bytes are no length", len(events), len(rest))
		}
		length := int64(binary.BigEndian.Uint32(rest))
		rest = rest[eventHeader:]
		if length > maxEvent || length > int64(len(rest)) {
			return 0, nil, fmt.Errorf("event %d of a frame: length %d, want up to %d", len(events), length, min(maxEvent, len(rest)))
		}
		events, rest = append(events, rest[:length]), rest[length:]
	}
	return first, events, nil
}
