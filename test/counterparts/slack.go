package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slacktest"
)

const slackToken = "xoxb-counterpart-0123456789-abcdefghijklmnop"

// withUniqueTs gives a message the form of `ts` that Slack documents: that server's are whole seconds, and repeat.
func withUniqueTs(answer *http.Response, count int64) error {
	var body map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return err
	}
	if ts, ok := body["ts"].(string); ok && !strings.Contains(ts, ".") {
		body["ts"] = fmt.Sprintf("%s.%06d", ts, count)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	answer.Body = readCloser(string(text))
	answer.ContentLength = int64(len(text))
	answer.Header.Set("content-length", strconv.Itoa(len(text)))
	return nil
}

// slackApp is slack-go's test server behind a check of the token, with chat.update, which that server lacks. Blocks and attachments are read
// into slack-go's types and kept as those write them.
func slackApp(address string, received *Record) (Counterpart, error) {
	server := slacktest.NewTestServer(func(c slacktest.Customize) {
		c.Handle("/chat.update", func(w http.ResponseWriter, r *http.Request) {
			writeJSON(w, http.StatusOK, map[string]any{"ok": true, "channel": r.FormValue("channel"), "ts": r.FormValue("ts"), "text": r.FormValue("text")})
		})
	})
	server.Start()
	target, err := url.Parse(strings.TrimSuffix(server.GetAPIURL(), "/"))
	if err != nil {
		return Counterpart{}, err
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var posted atomic.Int64
	proxy.ModifyResponse = func(answer *http.Response) error { return withUniqueTs(answer, posted.Add(1)) }
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("authorization") != "Bearer "+slackToken {
			writeJSON(w, http.StatusOK, map[string]any{"ok": false, "error": "invalid_auth"})
			return
		}
		if err := r.ParseForm(); err != nil {
			writeJSON(w, http.StatusOK, map[string]any{"ok": false, "error": "invalid_form_data"})
			return
		}
		var blocks slack.Blocks
		var attachments []slack.Attachment
		for name, into := range map[string]any{"blocks": &blocks, "attachments": &attachments} {
			if text := r.Form.Get(name); text != "" {
				if err := json.Unmarshal([]byte(text), into); err != nil {
					writeJSON(w, http.StatusOK, map[string]any{"ok": false, "error": "invalid_blocks_format", "response_metadata": map[string]any{"messages": []string{err.Error()}}})
					return
				}
			}
		}
		method := strings.TrimPrefix(r.URL.Path, "/api/")
		received.Add(map[string]any{"method": method, "channel": r.Form.Get("channel"), "text": r.Form.Get("text"), "blocks": blocks, "attachments": attachments, "ts": r.Form.Get("ts")})
		form := r.Form.Encode()
		forwarded := r.Clone(r.Context())
		forwarded.URL.Path = "/" + method
		forwarded.Body = http.NoBody
		forwarded.Header.Set("content-type", "application/x-www-form-urlencoded")
		forwarded.Body = readCloser(form)
		forwarded.ContentLength = int64(len(form))
		proxy.ServeHTTP(w, forwarded)
	})
	return Counterpart{Handler: handler, Ready: map[string]any{"token": slackToken, "baseURL": "http://" + address + "/api"}}, nil
}
