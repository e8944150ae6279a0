package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	pubSubTopic = "projects/example-project/topics/tekton-runs"
	pubSubUser  = "notifier@example-project.iam.gserviceaccount.com"
)

func newKey() (*rsa.PrivateKey, string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", err
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

func googleError(w http.ResponseWriter, code int, word string, message string) {
	writeJSON(w, code, map[string]any{"error": map[string]any{"code": code, "status": word, "message": message}})
}

// httpOf is how Google's REST gateway names the codes of gRPC, as far as they occur here.
var httpOf = map[codes.Code]struct {
	status int
	word   string
}{
	codes.NotFound:        {http.StatusNotFound, "NOT_FOUND"},
	codes.InvalidArgument: {http.StatusBadRequest, "INVALID_ARGUMENT"},
}

// pubSub is Google's pstest behind its REST mapping: requests are read strictly into the types of Google's own API, and tokens are checked as
// self-signed ones of the service account.
func pubSub(address string, _ *Record) (Counterpart, error) {
	server := pstest.NewServer()
	connection, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return Counterpart{}, err
	}
	publisher := pubsubpb.NewPublisherClient(connection)
	if _, err := publisher.CreateTopic(context.Background(), &pubsubpb.Topic{Name: pubSubTopic}); err != nil {
		return Counterpart{}, err
	}
	key, pemText, err := newKey()
	if err != nil {
		return Counterpart{}, err
	}
	isKnown := func(r *http.Request) bool {
		text := strings.TrimPrefix(r.Header.Get("authorization"), "Bearer ")
		claims := jwt.MapClaims{}
		token, err := jwt.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil }, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuer(pubSubUser), jwt.WithSubject(pubSubUser))
		return err == nil && token.Valid && token.Header["kid"] == "key-1"
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		topic, isPublish := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1/"), ":publish")
		if r.Method != http.MethodPost || !isPublish {
			googleError(w, http.StatusNotFound, "NOT_FOUND", "no such method")
			return
		}
		if !isKnown(r) {
			googleError(w, http.StatusUnauthorized, "UNAUTHENTICATED", "the token is not one of the service account")
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", err.Error())
			return
		}
		request := &pubsubpb.PublishRequest{}
		if err := protojson.Unmarshal(body, request); err != nil {
			googleError(w, http.StatusBadRequest, "INVALID_ARGUMENT", err.Error())
			return
		}
		request.Topic = topic
		published, err := publisher.Publish(r.Context(), request)
		if err != nil {
			found, known := httpOf[status.Code(err)]
			if !known {
				googleError(w, http.StatusInternalServerError, "INTERNAL", err.Error())
				return
			}
			googleError(w, found.status, found.word, status.Convert(err).Message())
			return
		}
		text, err := protojson.Marshal(published)
		if err != nil {
			googleError(w, http.StatusInternalServerError, "INTERNAL", err.Error())
			return
		}
		writeJSON(w, http.StatusOK, json.RawMessage(text))
	})
	account := map[string]string{"type": "service_account", "project_id": "example-project", "private_key_id": "key-1", "private_key": pemText, "client_email": pubSubUser, "client_id": "1", "token_uri": "https://oauth2.googleapis.com/token"}
	received := func() ([]any, error) {
		items := []any{}
		for _, message := range server.Messages() {
			items = append(items, map[string]any{"id": message.ID, "data": string(message.Data), "attributes": message.Attributes, "orderingKey": message.OrderingKey})
		}
		return items, nil
	}
	return Counterpart{Handler: handler, Ready: map[string]any{"endpoint": "http://" + address, "serviceAccount": account}, Received: received}, nil
}
