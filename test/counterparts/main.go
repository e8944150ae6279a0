// The services that Providers send to, as far as independent implementations of them exist: each run as
// `counterparts NAME`. Listens on 127.0.0.1 on a free port, prints one line of JSON with its address and what a client
// needs, and ends with SIGTERM or with whoever started it. `GET /-/received` gives what it understood, as a JSON list, `GET /-/requests`
// how many requests there were.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// Counterpart is one service: its handler, and what a client needs to know besides its address.
type Counterpart struct {
	Handler http.Handler
	Ready   map[string]any
	// Received reads what was understood; nil: what was recorded.
	Received func() ([]any, error)
}

var counterparts = map[string]func(address string, received *Record) (Counterpart, error){
	"cloudevents": cloudEvents,
	"github":      gitHub,
	"pubsub":      pubSub,
	"slack":       slackApp,
	"sns":         sns,
}

// Record keeps what was understood.
type Record struct {
	mutex sync.Mutex
	items []any
}

// Add keeps one more.
func (r *Record) Add(item any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.items = append(r.items, item)
}

// Items are those kept so far.
func (r *Record) Items() ([]any, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return append([]any{}, r.items...), nil
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("content-type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// strictly decodes JSON into the vendor's type; a field that it does not have is an error.
func strictly(body io.Reader, into any) error {
	decoder := json.NewDecoder(body)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func run(name string) error {
	begin, known := counterparts[name]
	if !known {
		return fmt.Errorf("there is no counterpart %q", name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	received := &Record{}
	counterpart, err := begin(listener.Addr().String(), received)
	if err != nil {
		return err
	}
	read := counterpart.Received
	if read == nil {
		read = received.Items
	}
	var requests atomic.Int64
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/-/received":
		case "/-/requests":
			writeJSON(w, http.StatusOK, requests.Load())
			return
		default:
			requests.Add(1)
			counterpart.Handler.ServeHTTP(w, r)
			return
		}
		items, err := read()
		if err != nil {
			writeJSON(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, items)
	})
	ready := map[string]any{"url": "http://" + listener.Addr().String()}
	for key, value := range counterpart.Ready {
		ready[key] = value
	}
	line, err := json.Marshal(ready)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	go func() {
		// Whoever started this holds the other end of standard input.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return http.Serve(listener, handler)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: counterparts NAME")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
