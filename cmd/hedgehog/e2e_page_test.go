package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hedgehog/node/web"
)

// pageSources is where the page and the scripts that drive it are.
const pageSources = "../../node/web"

// needBrowser skips the test where the page cannot be driven in a browser, and returns the
// programs that do.
func needBrowser(t *testing.T) (node, chromium string) {
	t.Helper()
	if web.Built() == nil {
		t.Skip("this binary has no page in it: make page")
	}
	if _, err := os.Stat(filepath.Join(pageSources, "node_modules", "playwright-core")); err != nil {
		t.Skip("the page's modules are not installed: make page")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node (of Node.js) on this machine")
	}
	chromium, err = exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on this machine")
	}
	return node, chromium
}

// pageOrder is what a script wants done with the cluster: kill NODE, start NODE, token ROLE,
// which makes one and is answered with it, or revoke ROLE.
type pageOrder struct {
	words  []string
	answer chan string
}

// drive runs one of the page's scripts, which is told of the nodes and of what else it has
// to know, carries out its orders, and logs what it says.
func (c *cluster) drive(script string, about map[string]any, env ...string) {
	c.t.Helper()
	t := c.t.(*testing.T)
	node, chromium := needBrowser(t)
	orders := make(chan pageOrder)
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := pageOrder{strings.Split(strings.Trim(r.URL.Path, "/"), "/"), make(chan string, 1)}
		select {
		case orders <- o:
			select {
			case answer := <-o.answer:
				_, _ = w.Write([]byte(answer)) // the script may be gone
			case <-r.Context().Done():
			}
		case <-r.Context().Done():
		}
	}))
	defer control.Close()
	nodes := make(map[string]string)
	for _, m := range c.running() {
		nodes[m.name] = m.url
		m.http = strings.TrimPrefix(m.url, "http://") // also when it starts again
	}
	about["nodes"], about["control"] = nodes, control.URL
	argument, err := json.Marshal(about)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	command := exec.CommandContext(ctx, node, filepath.Join("browser", script), string(argument))
	command.Dir = pageSources
	command.Env = append(append(os.Environ(), "CHROMIUM="+chromium), env...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) } // it ends its browser
	command.WaitDelay = 10 * time.Second
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	ended := make(chan error, 1)
	go func() { ended <- command.Run() }()
	over := false
	defer func() {
		cancel()
		if !over {
			<-ended
		}
		for line := range strings.Lines(said.String()) {
			t.Log(strings.TrimSuffix(line, "\n"))
		}
	}()
	for !over {
		select {
		case o := <-orders:
			o.answer <- c.obey(o.words)
		case err := <-ended:
			over = true
			if err != nil {
				t.Errorf("%s: %v", script, err)
			}
		}
	}
}

// obey carries out an order.
func (c *cluster) obey(words []string) (answer string) {
	c.t.Helper()
	if len(words) != 2 {
		c.t.Fatalf("order %q: want a verb and a name", words)
	}
	name := words[1]
	root := filepath.Join(c.dir, "admin.token")
	token := func(args ...string) {
		args = append([]string{"token"}, append(args, "--node", c.any().url)...)
		if name != "admin" {
			args = append(args, "--token-file", root)
		}
		must(c.t, args...)
	}
	switch words[0] {
	case "kill":
		c.members[name].down = true
		c.members[name].peer.kill()
	case "start":
		c.start(name)
	case "token":
		file := filepath.Join(c.dir, name+".token")
		token("create", name, "--role", name, "--out", file)
		secret, err := os.ReadFile(file)
		if err != nil {
			c.t.Fatal(err)
		}
		return strings.TrimSpace(string(secret))
	case "revoke":
		token("revoke", name)
	default:
		c.t.Fatalf("order %q: want kill, start, token or revoke", words)
	}
	return ""
}

// openPage starts three nodes that trade symbols, but for one of them that they do not.
func openPage(t *testing.T) (c *cluster, off string) {
	t.Helper()
	needBrowser(t)
	off = "LTCUSDT"
	c = openMarket(t, []string{"BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", off})
	c.symbols = c.symbols[:len(c.symbols)-1]
	c.found("n1", "n2", "n3")
	c.trade()
	return c, off
}

// The page of a real cluster, as somebody sees it who works with it in a browser.
func TestThePageShowsAndSteersACluster(t *testing.T) {
	if testing.Short() {
		t.Skip("lasts about a minute")
	}
	c, off := openPage(t)
	c.drive("cluster.mjs", map[string]any{"off": off, "takeover": 3000})
}

var (
	pictures = flag.String("screenshots", "", "make pictures of the page in `DIR`")
	warm     = flag.Duration("screenshots-after", 3*time.Minute, "have the cluster trade for so long before")
)

// Pictures of every view, for people to look at.
func TestScreenshots(t *testing.T) {
	if *pictures == "" {
		t.Skip("for make screenshots")
	}
	c, off := openPage(t)
	begun := time.Now()
	for time.Since(begun) < *warm { // there is nothing to wait for but time
		time.Sleep(time.Second)
	}
	c.drive("screenshots.mjs", map[string]any{"off": off}, "PICTURES="+*pictures)
}
