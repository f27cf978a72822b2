package web_test

import (
	"bufio"
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"hedgehog/node/web"
)

// The page goes through what a real node seldom is: cut off, silent, without a quorum, not
// to be changed by whoever looks. Its node is played by the script, its files come from
// Handler, with the headers that a browser obeys.
func TestThePageInABrowserTellsHowThingsAre(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	files := web.Built()
	if files == nil {
		t.Skip("this binary has no page in it: make page")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node (of Node.js) on this machine")
	}
	if _, err := os.Stat("node_modules/playwright-core"); err != nil {
		t.Skip("the page's modules are not installed: make page")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on this machine")
	}
	server := httptest.NewServer(web.Handler(files))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, node, "browser/states.mjs", server.URL+"/")
	command.Env = append(os.Environ(), "CHROMIUM="+chromium)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // it ends its browser
	command.WaitDelay = 10 * time.Second
	said, err := command.CombinedOutput()
	for lines := bufio.NewScanner(bytes.NewReader(said)); lines.Scan(); {
		t.Log(lines.Text())
	}
	if err != nil {
		t.Error(err)
	}
}
