package forward

import (
	"bytes"
	"fmt"
)

const (
	// maxTopic is how many bytes a topic may have.
	maxTopic = 256
	// maxTopics is how many topics one peer may want.
	maxTopics = 1 << 16
	// maxRequest is how many bytes a message of wanted topics may have.
	maxRequest = 64 << 10
)

// request says that a topic is wanted, or no longer is.
type request struct {
	topic string
	want  bool
}

// validTopic reports whether the topic can stand in a request: printable ASCII
// without spaces, not too long.
func validTopic(topic string) bool {
	for i := range len(topic) {
		if topic[i] <= ' ' || topic[i] > '~' {
			return false
		}
	}
	return topic != "" && len(topic) <= maxTopic
}

// requestMessages puts the topics into as many messages as they need.
func requestMessages(more, less []string) (messages [][]byte) {
	var message []byte
	add := func(sign byte, topic string) {
		if len(message)+len(topic)+2 > maxRequest {
			messages, message = append(messages, message), nil
		}
		message = append(append(append(message, sign), topic...), '\n')
	}
	for _, topic := range less {
		add('-', topic)
	}
	for _, topic := range more {
		add('+', topic)
	}
	if len(message) > 0 {
		messages = append(messages, message)
	}
	return messages
}

// parseRequests is the inverse of requestMessages for one message. An empty one
// has no requests.
func parseRequests(message []byte) ([]request, error) {
	var requests []request
	for line := 1; len(message) > 0; line++ {
		text, rest, ended := bytes.Cut(message, []byte("\n"))
		if !ended || len(text) == 0 || text[0] != '+' && text[0] != '-' || !validTopic(string(text[1:])) {
			return nil, fmt.Errorf("line %d %.80q of a request: want + or -, a topic and a line feed", line, text)
		}
		requests = append(requests, request{topic: string(text[1:]), want: text[0] == '+'})
		message = rest
	}
	return requests, nil
}
