package forward

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// errProtocol ends a connection over which something came that must not.
var errProtocol = errors.New("protocol broken")

// nextMessage reads the next message into message. One that is too long or of
// another kind than the wanted one, and silence that lasts too long, are errors.
func nextMessage(ws *websocket.Conn, kind int, message *bytes.Buffer, silence time.Duration) error {
	if err := ws.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	got, r, err := ws.NextReader()
	if err == nil {
		if got != kind {
			return fmt.Errorf("%w: message of kind %d, want %d", errProtocol, got, kind)
		}
		message.Reset()
		_, err = message.ReadFrom(r)
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		err = fmt.Errorf("%w: %w", errProtocol, err)
	}
	return err
}
