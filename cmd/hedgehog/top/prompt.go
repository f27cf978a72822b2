package top

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// prompt is what the screen asks before it does something.
type prompt interface {
	// line is the question, for people.
	line() string
	// keys says what the keys do.
	keys() string
	// key takes a key; done: the prompt is over.
	key(m *model, k tea.KeyPressMsg) (then tea.Cmd, done bool)
	// paste takes text that was pasted.
	paste(text string)
}

// option is something to choose.
type option struct {
	key  string // of a question
	text string
	do   action
}

// question is answered by one key. All other keys leave things as they are.
type question struct {
	text    string
	options []option
}

func (q question) line() string { return q.text }

func (q question) keys() string {
	var texts []string
	for _, o := range q.options {
		texts = append(texts, o.key+" "+o.text)
	}
	return strings.Join(append(texts, "n no"), "   ")
}

func (q question) key(m *model, k tea.KeyPressMsg) (tea.Cmd, bool) {
	for _, o := range q.options {
		if k.String() == o.key {
			return m.begin(o.do), true
		}
	}
	return nil, true
}

func (q question) paste(string) {}

// choice is one of some options, gone through with the arrows.
type choice struct {
	text    string
	options []option
	at      int
}

func (c *choice) line() string { return c.text + ": ◂ " + c.options[c.at].text + " ▸" }
func (c *choice) keys() string { return "← → others   enter take it   esc leave it" }

func (c *choice) key(m *model, k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch k.String() {
	case "left", "up", "h", "k", "shift+tab":
		c.at = (c.at + len(c.options) - 1) % len(c.options)
	case "right", "down", "l", "j", "tab", "a":
		c.at = (c.at + 1) % len(c.options)
	case "enter":
		return m.begin(c.options[c.at].do), true
	case "esc", "q", "n":
		return nil, true
	}
	return nil, false
}

func (c *choice) paste(string) {}

// entry is a text that somebody types.
type entry struct {
	text  string
	typed string
	enter func(text string) action
}

func (e *entry) line() string { return e.text + " " + e.typed + "█" }
func (e *entry) keys() string { return "enter do it   esc leave it" }

func (e *entry) key(m *model, k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch k.String() {
	case "enter":
		if strings.TrimSpace(e.typed) == "" {
			return nil, true
		}
		return m.begin(e.enter(e.typed)), true
	case "esc":
		return nil, true
	}
	e.typed = typed(e.typed, k)
	return nil, false
}

func (e *entry) paste(text string) { e.typed += clean(text) }

// filtering is the filter while somebody types it; it works at once.
type filtering struct{ before string }

func (f filtering) line() string { return "" }
func (f filtering) keys() string { return "enter keep it   esc as before" }

func (f filtering) key(m *model, k tea.KeyPressMsg) (tea.Cmd, bool) {
	switch k.String() {
	case "enter":
		return nil, true
	case "esc":
		m.filter = f.before
		return nil, true
	}
	m.filter = typed(m.filter, k)
	return nil, false
}

func (f filtering) paste(string) {}

// typed returns a text after a key.
func typed(text string, k tea.KeyPressMsg) string {
	switch k.String() {
	case "backspace":
		letters := []rune(text)
		return string(letters[:max(0, len(letters)-1)])
	case "ctrl+u":
		return ""
	}
	return text + clean(k.Text)
}
