package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-github/v89/github"
)

const (
	gitHubApp          = 123456
	gitHubInstallation = 77
	gitHubToken        = "ghs_0123456789abcdefghijklmnopqrstuvwxyz"
)

type checkRuns struct {
	mutex sync.Mutex
	known []*github.CheckRun
}

func gitHubError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"message": message, "documentation_url": "https://docs.github.com/rest"})
}

func lifeLeft(claims jwt.MapClaims) time.Duration {
	expires, err := claims.GetExpirationTime()
	if err != nil || expires == nil {
		return time.Duration(1<<63 - 1)
	}
	return time.Until(expires.Time)
}

// gitHub reads what is sent strictly into go-github's types, and tokens with golang-jwt.
func gitHub(address string, received *Record) (Counterpart, error) {
	key, _, err := newKey()
	if err != nil {
		return Counterpart{}, err
	}
	pemText := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	asApp := func(handle http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, text, _ := strings.Cut(r.Header.Get("authorization"), " ")
			// Octokit writes the App's id as a number, which the names of the registered claims do not foresee.
			claims := jwt.MapClaims{}
			token, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil }, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired())
			if err != nil || !token.Valid || fmt.Sprint(claims["iss"]) != fmt.Sprint(float64(gitHubApp)) || lifeLeft(claims) > 10*time.Minute {
				gitHubError(w, http.StatusUnauthorized, "A JSON web token could not be decoded")
				return
			}
			handle(w, r)
		}
	}
	asInstallation := func(handle http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if _, token, _ := strings.Cut(r.Header.Get("authorization"), " "); token != gitHubToken {
				gitHubError(w, http.StatusUnauthorized, "Bad credentials")
				return
			}
			handle(w, r)
		}
	}
	checks := &checkRuns{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v3/repos/{owner}/{repo}/installation", asApp(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, &github.Installation{ID: github.Ptr(int64(gitHubInstallation)), AppID: github.Ptr(int64(gitHubApp))})
	}))
	mux.HandleFunc("POST /api/v3/app/installations/{id}/access_tokens", asApp(func(w http.ResponseWriter, r *http.Request) {
		received.Add(map[string]any{"what": "token", "installation": r.PathValue("id")})
		writeJSON(w, http.StatusCreated, &github.InstallationToken{Token: github.Ptr(gitHubToken), ExpiresAt: &github.Timestamp{Time: time.Now().Add(time.Hour)}})
	}))
	mux.HandleFunc("POST /api/v3/repos/{owner}/{repo}/statuses/{sha}", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		status := &github.RepoStatus{}
		if err := strictly(r.Body, status); err != nil {
			gitHubError(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		received.Add(map[string]any{"what": "status", "repository": r.PathValue("owner") + "/" + r.PathValue("repo"), "sha": r.PathValue("sha"), "content": status})
		status.ID = github.Ptr(int64(1))
		status.URL = github.Ptr("http://" + address + r.URL.Path)
		writeJSON(w, http.StatusCreated, status)
	}))
	mux.HandleFunc("GET /api/v3/repos/{owner}/{repo}/commits/{sha}/check-runs", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		checks.mutex.Lock()
		defer checks.mutex.Unlock()
		// go-github's own type leaves an empty list out.
		writeJSON(w, http.StatusOK, map[string]any{"total_count": len(checks.known), "check_runs": append([]*github.CheckRun{}, checks.known...)})
	}))
	mux.HandleFunc("POST /api/v3/repos/{owner}/{repo}/check-runs", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		options := github.CreateCheckRunOptions{}
		if err := strictly(r.Body, &options); err != nil {
			gitHubError(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		checks.mutex.Lock()
		defer checks.mutex.Unlock()
		run := &github.CheckRun{ID: github.Ptr(int64(len(checks.known) + 1)), Name: github.Ptr(options.Name), HeadSHA: github.Ptr(options.HeadSHA), ExternalID: options.ExternalID, HTMLURL: github.Ptr("http://" + address + r.URL.Path), Status: options.Status, Conclusion: options.Conclusion, App: &github.App{ID: github.Ptr(int64(gitHubApp))}}
		checks.known = append(checks.known, run)
		received.Add(map[string]any{"what": "check run", "id": run.GetID(), "content": options})
		writeJSON(w, http.StatusCreated, run)
	}))
	mux.HandleFunc("PATCH /api/v3/repos/{owner}/{repo}/check-runs/{id}", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		options := github.UpdateCheckRunOptions{}
		if err := strictly(r.Body, &options); err != nil {
			gitHubError(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		received.Add(map[string]any{"what": "check run update", "id": r.PathValue("id"), "content": options})
		var id int64
		_, _ = fmt.Sscan(r.PathValue("id"), &id)
		writeJSON(w, http.StatusOK, &github.CheckRun{ID: github.Ptr(id), Name: github.Ptr(options.Name), Status: options.Status, Conclusion: options.Conclusion})
	}))
	mux.HandleFunc("GET /api/v3/repos/{owner}/{repo}/issues/{number}/comments", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, http.StatusOK, []*github.IssueComment{})
	}))
	mux.HandleFunc("POST /api/v3/repos/{owner}/{repo}/issues/{number}/comments", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		comment := &github.IssueComment{}
		if err := strictly(r.Body, comment); err != nil {
			gitHubError(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		received.Add(map[string]any{"what": "comment", "number": r.PathValue("number"), "content": comment})
		comment.ID = github.Ptr(int64(1))
		comment.HTMLURL = github.Ptr("http://" + address + r.URL.Path)
		writeJSON(w, http.StatusCreated, comment)
	}))
	mux.HandleFunc("PATCH /api/v3/repos/{owner}/{repo}/issues/comments/{id}", asInstallation(func(w http.ResponseWriter, r *http.Request) {
		comment := &github.IssueComment{}
		if err := strictly(r.Body, comment); err != nil {
			gitHubError(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		received.Add(map[string]any{"what": "comment update", "id": r.PathValue("id"), "content": comment})
		comment.ID = github.Ptr(int64(1))
		comment.HTMLURL = github.Ptr("http://" + address + r.URL.Path)
		writeJSON(w, http.StatusOK, comment)
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		gitHubError(w, http.StatusNotFound, "Not Found")
	})
	return Counterpart{Handler: mux, Ready: map[string]any{"baseURL": "http://" + address + "/api/v3", "appId": gitHubApp, "privateKey": pemText}}, nil
}
